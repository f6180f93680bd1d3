"""From facts and findings to the findings document."""
