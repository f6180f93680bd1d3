"""Nodes of your own, in your data centers and at the edge: EKS Hybrid Nodes."""
