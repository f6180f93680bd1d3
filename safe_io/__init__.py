"""What every command needs to read and write safely: errors, YAML, files, text for a terminal. Imports nothing of ours."""
