"""Maps the bearer token of a Kubernetes request to the principal that signed it, by the cluster's access entries.

Only AmazonEKSClusterAdminPolicy is carried over to Kubernetes (as system:masters), and an entry's own groups.
https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlparse

from emulator.engine.eks.state import State

PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"
"""Signed with the cluster's name, so that a token of one cluster is good for no other:
https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/master/pkg/token/token.go"""


def review(
    request: dict[str, Any],
    state: State,
    cluster: str,
    principal_of: Callable[[str, Mapping[str, str]], str | None],
) -> dict[str, Any]:
    """Answers a TokenReview. ``principal_of`` returns who presigned a URL with the headers, as Authentication does."""
    url = _presigned(str(request.get("spec", {}).get("token", "")))
    status: dict[str, Any] = {"authenticated": False}
    arn = principal_of(url, {CLUSTER_HEADER: cluster}) if url else None
    entry = next((one for one in state.of("accessEntry", cluster) if arn and _same(one["principalArn"], arn)), None)
    if entry:
        policies = state.policies.get((cluster, entry["principalArn"]), [])
        admin = any(one["policyArn"].endswith("/AmazonEKSClusterAdminPolicy") for one in policies)
        groups = [*entry["kubernetesGroups"], *(["system:masters"] if admin else [])]
        status = {"authenticated": True, "user": {"username": arn, "uid": arn, "groups": groups}}
    return {"apiVersion": request.get("apiVersion"), "kind": "TokenReview", "status": status}


def _presigned(token: str) -> str:
    """Returns the URL in a token, or nothing where it is not one of GetCallerIdentity."""
    if not token.startswith(PREFIX):
        return ""
    try:
        url = base64.urlsafe_b64decode(token[len(PREFIX) :] + "==").decode()
    except ValueError:
        return ""
    return url if parse_qs(urlparse(url).query).get("Action") == ["GetCallerIdentity"] else ""


def _same(principal: str, arn: str) -> bool:
    """Whether a session or a user belongs to a principal: arn:aws:sts::ID:assumed-role/NAME/SESSION is of role NAME."""
    if ":assumed-role/" in arn:
        return principal.split("/")[-1] == arn.split("/")[1]
    return principal == arn
