"""What `make deploy`, `make destroy` and `make smoke` read from a running account about an environment."""
