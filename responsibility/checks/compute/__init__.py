"""Nodes, Auto Mode and Fargate."""
