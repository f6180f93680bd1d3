"""Auto Scaling groups of EC2 nodes that you start and replace yourself."""
