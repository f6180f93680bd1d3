"""What managed and self-managed groups of EC2 nodes share: settings, launch template, user data, role."""
