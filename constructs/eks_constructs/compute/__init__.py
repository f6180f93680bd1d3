"""The kinds of compute: one folder each."""
