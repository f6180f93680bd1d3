"""The environment file: its model and loader."""
