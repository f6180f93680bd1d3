"""Plays an upgrade, or the loss of nodes, on a real local Kubernetes: what would block, what would be down, and for how long."""
