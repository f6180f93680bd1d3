"""A real Kubernetes control plane for each cluster of the local AWS, simulated nodes, and AWS's side of it."""
