"""A real Kubernetes control plane on this machine: where its programs come from, and how they run."""
