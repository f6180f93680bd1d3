"""Calls to a running AWS account. Synth and review use none of it: both read committed data."""
