"""`delivery: gitops`: the Kubernetes objects of an environment as a tree for a Git repository."""
