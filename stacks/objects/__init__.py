"""Kubernetes objects of workloads: read from their folder, checked, and rendered for one cluster."""
