"""EC2 nodes of your own autoscaler."""
