"""Finds what a Kubernetes cluster would refuse, or take and never get to work: schemas, values, references between objects.

The synth uses it for the folders of workloads, the review for anybody's manifests. No cluster is asked.
"""

from kubernetes_lint.linting import lint
from kubernetes_lint.problem import Problem, Scope

__all__ = ["Problem", "Scope", "lint"]
