"""Workloads and the objects around them."""
