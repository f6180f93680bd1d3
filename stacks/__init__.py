"""The stacks of an environment, its model, and the placement of workloads."""
