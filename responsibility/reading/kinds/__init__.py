"""The kinds of compute, as the review sees them: one file each."""
