"""Security groups for pods: the VPC CNI gives pods that a policy selects a network interface of their own.

https://docs.aws.amazon.com/eks/latest/userguide/security-groups-for-pods.html
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from eks_constructs.control_plane import ClusterRights
from eks_constructs.endpoint import SecurityGroupId
from eks_constructs.manifests import KubernetesObject, ManifestFile
from eks_constructs.spec import (
    KubernetesName,
    LabelKey,
    LabelValue,
    Misplaced,
    Spec,
    distinct_values,
    repeated,
)

ORDER = 14
RIGHTS = ClusterRights(managed=("AmazonEKSVPCResourceController",))
"""The controller that attaches the interfaces runs in the control plane, with the cluster's role."""
WITHOUT_TRUNKS = re.compile(r"t\d[a-z]*\.")
"""Instances that take no such interface for certain; the whole list:
https://github.com/aws/amazon-vpc-resource-controller-k8s/blob/master/pkg/aws/vpc/limits.go (IsTrunkingCompatible)."""


class SecurityGroupPolicySpec(Spec):
    """Which pods get which security groups."""

    name: KubernetesName
    """Name of the SecurityGroupPolicy."""
    namespace: KubernetesName
    """Namespace of the pods. It must be there: that of a team, or of a workload."""
    pod_labels: dict[LabelKey, LabelValue] = {}
    """Labels of the pods."""
    service_account_labels: dict[LabelKey, LabelValue] = {}
    """Labels of their service account, in place of their own."""
    group_ids: Annotated[list[SecurityGroupId], Field(min_length=1, max_length=5), AfterValidator(distinct_values)]
    """Security groups in place of the node's. They must let the node's group in for probes, and DNS out; on Fargate the cluster's own
    must be among them."""

    @model_validator(mode="after")
    def _one_selector(self) -> "SecurityGroupPolicySpec":
        if bool(self.pod_labels) == bool(self.service_account_labels):
            raise ValueError("names pods by pod_labels or by service_account_labels, one of the two")
        return self


class PodSecurityGroupsSpec(Spec):
    """Security groups for pods."""

    mode: Literal["strict", "standard"] = "strict"
    """`strict`: the pod's groups count for all of its traffic. `standard`: the node's count for what leaves the VPC, and NodeLocal DNSCache
    and instance targets with externalTrafficPolicy Local work."""
    policies: Annotated[list[SecurityGroupPolicySpec], Field(max_length=100)] = []
    """Which pods get which groups; none: your own manifests say it."""

    @model_validator(mode="after")
    def _distinct(self) -> "PodSecurityGroupsSpec":
        if (index := repeated(f"{one.namespace}/{one.name}" for one in self.policies)) is not None:
            raise Misplaced("is the name of two policies of the namespace; choose another", "policies", index, "name")
        return self


def check_pod_security_groups(kinds: Sequence[str], addons: Sequence[str], types: Sequence[str]) -> None:
    """Raises Misplaced where no pod could ever get an interface.

    Args:
        kinds: the kinds of compute of the cluster.
        addons: its add-ons.
        types: the instance types of its node groups, if they are all that nodes can be; empty: others choose.
    """
    if "vpc-cni" not in addons and "fargate" not in kinds:
        raise Misplaced(
            "needs nodes with the add-on vpc-cni, or Fargate: Auto Mode has no security groups for pods"
            " (https://docs.aws.amazon.com/eks/latest/userguide/auto-networking.html)"
        )
    if types and "fargate" not in kinds and all(WITHOUT_TRUNKS.match(name) for name in types):
        raise Misplaced(f"needs an instance type with trunk interfaces, and {', '.join(sorted(set(types)))} have none")


def cni_settings(spec: PodSecurityGroupsSpec | None) -> dict[str, Any]:
    """Returns the settings of the add-on vpc-cni. They are text, whatever they mean."""
    if spec is None:
        return {}
    settings: dict[str, Any] = {
        "env": {"ENABLE_POD_ENI": "true", "POD_SECURITY_GROUP_ENFORCING_MODE": spec.mode},
    }
    if spec.mode == "strict":
        # Or the kubelet's probes do not reach pods: https://docs.aws.amazon.com/eks/latest/userguide/security-groups-pods-deployment.html
        settings["init"] = {"env": {"DISABLE_TCP_EARLY_DEMUX": "true"}}
    return settings


def policy_files(spec: PodSecurityGroupsSpec | None) -> Iterator[ManifestFile]:
    """Yields the SecurityGroupPolicies."""
    if spec and spec.policies:
        objects = [_policy(one) for one in spec.policies]
        yield ManifestFile(
            ORDER, "security-group-policies", objects, "Security groups of pods, for pods that start from now on."
        )


def _policy(spec: SecurityGroupPolicySpec) -> KubernetesObject:
    selector: Mapping[str, Any] = (
        {"podSelector": {"matchLabels": dict(spec.pod_labels)}}
        if spec.pod_labels
        else {"serviceAccountSelector": {"matchLabels": dict(spec.service_account_labels)}}
    )
    return {
        "apiVersion": "vpcresources.k8s.aws/v1beta1",
        "kind": "SecurityGroupPolicy",
        "metadata": {"name": spec.name, "namespace": spec.namespace},
        "spec": {**selector, "securityGroups": {"groupIds": list(spec.group_ids)}},
    }
