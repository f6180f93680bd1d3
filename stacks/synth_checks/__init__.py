"""Checks of every synth, and what this project accepts of their findings."""
