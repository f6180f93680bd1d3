"""EC2 managed node groups."""
