"""Safe reading and writing for every command: errors, YAML, files, terminal text. Imports nothing of ours."""
