"""The upgrade playbook: what stands in the way of the next Kubernetes version, and the ordered steps to it."""
