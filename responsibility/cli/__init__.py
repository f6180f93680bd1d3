"""The command line: commands, the options they share, and how results are written."""
