"""What is asked of a running AWS account. Nothing here runs in a synth or a review: both read committed data."""
