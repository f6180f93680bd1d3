"""The environment file: its model, and the way from YAML to it."""
