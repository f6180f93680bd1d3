"""The Lambda functions by which CDK changes a cluster: ``kubectl`` and Helm, run from CloudFormation."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from responsibility.reading.facts import Fact, Facts

_RUN_KUBECTL = (
    "Custom::AWSCDK-EKS-KubernetesResource",
    "Custom::AWSCDK-EKS-HelmChart",
    "Custom::AWSCDK-EKS-KubernetesPatch",
    "Custom::AWSCDK-EKS-KubernetesObjectValue",
)


@dataclass(frozen=True, slots=True)
class Handler:
    """A function that runs kubectl in a cluster."""

    cluster: str
    function: Fact | None
    """The Lambda function; None: it was not read."""
    role: Any
    """Its role: a reference, a name or an ARN."""
    assumes: Any
    """The role that it assumes before it calls the cluster; None: none."""
    by: Fact
    """A custom resource that it works for."""


def handlers_of(facts: Facts) -> dict[str, list[Handler]]:
    """Returns the kubectl handlers of each cluster, by the cluster's key."""
    found: dict[str, list[Handler]] = defaultdict(list)
    seen: set[tuple[str, str, str]] = set()
    for kind in _RUN_KUBECTL:
        for item in facts.of_type(kind):
            token, assumes = item.resource.maybe("ServiceToken"), item.resource.maybe("RoleArn")
            key = (item.cluster_key, str(token), str(assumes))
            if key not in seen:
                seen.add(key)
                function = maker_of(item)
                role = function.resource.maybe("Role") if function else None
                found[item.cluster_key].append(Handler(item.cluster_key, function, role, assumes, item))
    return found


def maker_of(custom: Fact) -> Fact | None:
    """Returns the Lambda function that does the work for a custom resource: behind CDK's provider framework, if that is used."""
    facts = custom.facts
    front = facts.find(Fact, custom.resource.maybe("ServiceToken"))
    if front is None:
        return None
    return facts.find(Fact, front.resource.maybe("Environment.Variables.USER_ON_EVENT_FUNCTION_ARN")) or front
