"""What only a running account can answer."""
