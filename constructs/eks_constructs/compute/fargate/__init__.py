"""Pods without nodes: Fargate."""
