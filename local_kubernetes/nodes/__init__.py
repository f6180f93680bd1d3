"""Simulated nodes of every kind of compute, and the kubelets of their pods, for a control plane that is real."""
