"""What `make deploy`, `make destroy` and `make smoke` ask a running account about an environment. They only read."""
