"""Input and output that cannot harm: bounded reading, safe writing, clear errors. Needs PyYAML alone, and nothing of ours."""
