"""Compute that AWS runs: EKS Auto Mode."""
