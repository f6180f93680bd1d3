"""Fleets: which environments move in which waves, what must hold between two of them, and what moves them."""
