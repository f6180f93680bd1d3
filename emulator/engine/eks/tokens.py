"""Who a bearer token of a Kubernetes request is: the principal that signed it, by the cluster's access entries.

Only AmazonEKSClusterAdminPolicy is carried over to Kubernetes (as system:masters), and an entry's own groups.
https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html
"""

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlparse

from emulator.engine.eks.state import State

PREFIX = "k8s-aws-v1."


def review(request: dict[str, Any], state: State, cluster: str, arn_of: Callable[[str], str | None]) -> dict[str, Any]:
    """Answers a TokenReview. ``arn_of`` tells the principal of an access key."""
    token = str(request.get("spec", {}).get("token", ""))
    status: dict[str, Any] = {"authenticated": False}
    arn = arn_of(_access_key(token)) if token.startswith(PREFIX) else None
    entry = next((one for one in state.of("accessEntry", cluster) if arn and _same(one["principalArn"], arn)), None)
    if entry:
        policies = state.policies.get((cluster, entry["principalArn"]), [])
        admin = any(one["policyArn"].endswith("/AmazonEKSClusterAdminPolicy") for one in policies)
        groups = [*entry["kubernetesGroups"], *(["system:masters"] if admin else [])]
        status = {"authenticated": True, "user": {"username": arn, "uid": arn, "groups": groups}}
    return {"apiVersion": request.get("apiVersion"), "kind": "TokenReview", "status": status}


def _access_key(token: str) -> str:
    url = base64.urlsafe_b64decode(token[len(PREFIX) :] + "==").decode()
    return parse_qs(urlparse(url).query).get("X-Amz-Credential", [""])[0].split("/")[0]


def _same(principal: str, arn: str) -> bool:
    """Tells whether a session, or a user, is of a principal: arn:aws:sts::ID:assumed-role/NAME/SESSION is of role NAME."""
    if ":assumed-role/" in arn:
        return principal.split("/")[-1] == arn.split("/")[1]
    return principal == arn
