"""Applies and removes the Kubernetes objects that a synth rendered: `make apply`, `make unapply`. Needs no CDK."""
