"""EC2 nodes of an autoscaler that is yours."""
