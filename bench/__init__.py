"""How long a synth takes, beside a peer: `make bench`."""
