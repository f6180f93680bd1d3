"""The VPC, its subnets, and the ways into a cluster."""
