"""The upgrade playbook: what blocks the next Kubernetes version, and the ordered steps to it."""
