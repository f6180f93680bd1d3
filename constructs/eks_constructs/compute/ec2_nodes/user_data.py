"""User data of a group's nodes: what its file says, and, where EKS does not say it, how they join the cluster.

EKS sets labels and taints of nodes with an AMI of their own after they joined, too late for the first pods: user data has them.
https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html#mng-ami-id-conditions
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from aws_cdk import Fn

from eks_constructs.cluster_handle import Joining
from eks_constructs.compute.ec2_nodes.group import Ec2GroupSpec
from eks_constructs.compute.kind import ClusterContext
from eks_constructs.compute.user_data import merged, mime, powershell, toml
from eks_constructs.spec import Misplaced
from eks_facts.capacity import pods_with_prefixes
from eks_facts.files import load

# Pods have subnets of their own, so that a node's first network interface has no address for them.
_OWN_POD_SUBNETS = "((default_enis - 1) * (ips_per_eni - 1)) + 2"
_COUNTS_ALL = ("bottlerocket", "ubuntu")
"""Families whose own count of pods cannot leave the first network interface out."""


@dataclass(frozen=True)
class PodAddresses:
    """How the CNI gives pods their addresses: what an AMI of EKS learns from EKS, and another must be told."""

    prefixes: bool = False
    own_subnets: bool = False
    ipv6: bool = False

    @classmethod
    def of(cls, context: ClusterContext) -> "PodAddresses":
        """Returns what holds for the nodes of a cluster."""
        return cls(context.prefixes, context.own_pod_subnets, context.ipv6)

    def check(self, spec: Ec2GroupSpec, *, joins: bool) -> None:
        """Raises Misplaced, from the group, where nothing can compute how many pods its nodes take.

        ``joins``: user data, not EKS, says how its nodes join.
        """
        if (
            joins
            and spec.image.family in _COUNTS_ALL
            and self.own_subnets
            and not self.prefixes
            and not spec.kubelet.max_pods
        ):
            name = {"bottlerocket": "Bottlerocket", "ubuntu": "Ubuntu"}[spec.image.family]
            raise Misplaced(
                f"pods have subnets of their own, and {name} would count the addresses of the first network interface too;"
                " set kubelet.max_pods",
                "ami" if spec.ami else "ami_type",
            )

    def most(self, spec: Ec2GroupSpec) -> dict[str, int]:
        """Returns the pods of a node as a KubeletConfiguration spells them, where the image would count no prefixes."""
        return {"maxPods": self.with_prefixes(spec.instance_types)} if self.prefixes else {}

    def with_prefixes(self, instance_types: Sequence[str]) -> int:
        """Returns how many pods a node of any of these types takes: as many as recommended, where it has addresses for them."""
        most: int = load("devices")["max_pods_with_prefixes"]
        if self.ipv6:  # one prefix has more addresses than there are pods
            return most
        return min([most, *(pods_with_prefixes(one, own_subnets=self.own_subnets) for one in instance_types)])


def user_data(
    spec: Ec2GroupSpec, *, cluster: str, labels: Mapping[str, str], joining: Joining | None, pods: PodAddresses
) -> str | None:
    """Returns it; None: there is nothing to say.

    Args:
        spec: the group.
        cluster: its name.
        labels: of the nodes.
        joining: what nodes must know of the cluster; None: EKS tells them.
        pods: how they get addresses.
    """
    pods.check(spec, joins=joining is not None)
    match spec.image.family:
        case "bottlerocket":
            own = _bottlerocket(spec, cluster, labels, joining, pods) if joining else {}
            kubernetes = merged(own, spec.kubelet.bottlerocket())
            devices = spec.device_settings({spec.device}, spec.instance_types) if spec.device else {}
            settings = merged({"kubernetes": kubernetes} if kubernetes else {}, devices)
            return toml(merged(settings, spec.user_data.bottlerocket))
        case "ubuntu":
            join = [_ubuntu(spec, cluster, labels, joining, pods)] if joining else []
            return mime([*spec.user_data.scripts, *join], {})
        case "windows":
            join = [_windows(spec, cluster, labels, joining)] if joining else []
            return powershell([*spec.user_data.powershell, *join])
        case _:
            own = _node_config(spec, cluster, labels, joining, pods) if joining else {}
            if settings := spec.kubelet.settings():
                own = merged(own, {"kubelet": {"config": settings}})
            if spec.instance_store:
                strategy = {"mount": "Mount"}.get(spec.instance_store, spec.instance_store.upper())
                own["instance"] = {"localStorage": {"strategy": strategy}}
            return mime(list(spec.user_data.scripts), merged(own, spec.user_data.node_config))


def _bottlerocket(
    spec: Ec2GroupSpec, cluster: str, labels: Mapping[str, str], joining: Joining, pods: PodAddresses
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "api-server": joining.endpoint,
        "cluster-certificate": joining.certificate_authority,
        "cluster-name": cluster,
        "cluster-dns-ip": _dns(joining.service_cidr),
        "node-labels": dict(labels),
    }
    if pods.prefixes:
        found["max-pods"] = pods.most(spec)["maxPods"]
    if spec.node_taints:
        found["node-taints"] = {
            taint.key: [f"{one.value}:{one.effect}" for one in spec.node_taints if one.key == taint.key]
            for taint in spec.node_taints
        }
    return found


def _node_config(
    spec: Ec2GroupSpec, cluster: str, labels: Mapping[str, str], joining: Joining, pods: PodAddresses
) -> dict[str, Any]:
    kubelet: dict[str, Any] = {"flags": _flags(spec, labels)}
    if pods.prefixes:
        kubelet["config"] = pods.most(spec)
    elif pods.own_subnets:
        kubelet["maxPodsExpression"] = _OWN_POD_SUBNETS
    return {
        "cluster": {
            "name": cluster,
            "apiServerEndpoint": joining.endpoint,
            "certificateAuthority": joining.certificate_authority,
            "cidr": joining.service_cidr,
        },
        "kubelet": kubelet,
    }


def _ubuntu(spec: Ec2GroupSpec, cluster: str, labels: Mapping[str, str], joining: Joining, pods: PodAddresses) -> str:
    """Returns the call of the script in Ubuntu's AMIs for EKS, which have no nodeadm.

    https://github.com/eksctl-io/eksctl/blob/main/pkg/nodebootstrap/assets/scripts/bootstrap.ubuntu.sh
    """
    settings = {**pods.most(spec), **spec.kubelet.settings()}
    flags = " ".join([*_flags(spec, labels), *_as_flags(settings)])
    own_count = " --use-max-pods false" if "maxPods" in settings else ""
    return (
        "#!/bin/bash\nset -o errexit\n"
        f"/etc/eks/bootstrap.sh {cluster} --apiserver-endpoint '{joining.endpoint}' --b64-cluster-ca"
        f" '{joining.certificate_authority}' --dns-cluster-ip '{_dns(joining.service_cidr)}'{own_count}"
        f" --kubelet-extra-args '{flags}'"
    )


def _windows(spec: Ec2GroupSpec, cluster: str, labels: Mapping[str, str], joining: Joining) -> str:
    """Returns the call of the script in EKS's AMIs for Windows.

    https://docs.aws.amazon.com/eks/latest/userguide/eks-optimized-windows-ami.html#bootstrap-script-configuration-parameters
    """
    flags = " ".join([*_flags(spec, labels), *_as_flags(spec.kubelet.settings())])
    return (
        '& "$env:ProgramFiles\\Amazon\\EKS\\Start-EKSBootstrap.ps1"'
        f" -EKSClusterName '{cluster}' -APIServerEndpoint '{joining.endpoint}'"
        f" -Base64ClusterCA '{joining.certificate_authority}' -DNSClusterIP '{_dns(joining.service_cidr)}'"
        f" -ServiceCIDR '{joining.service_cidr}' -KubeletExtraArgs '{flags}' 3>&1 4>&1 5>&1 6>&1"
    )


def _flags(spec: Ec2GroupSpec, labels: Mapping[str, str]) -> list[str]:
    """Returns flags of the kubelet for the labels and taints of a node."""
    flags = ["--node-labels=" + ",".join(f"{key}={value}" for key, value in labels.items())]
    if spec.node_taints:
        taints = (f"{taint.key}={taint.value}:{taint.effect}" for taint in spec.node_taints)
        flags.append("--register-with-taints=" + ",".join(taints))
    return flags


def _as_flags(settings: Mapping[str, Any]) -> list[str]:
    """Returns settings of a KubeletConfiguration as flags. https://kubernetes.io/docs/reference/command-line-tools-reference/kubelet/."""
    names = {
        "maxPods": "max-pods",
        "systemReserved": "system-reserved",
        "kubeReserved": "kube-reserved",
        "evictionHard": "eviction-hard",
        "imageGCHighThresholdPercent": "image-gc-high-threshold",
        "imageGCLowThresholdPercent": "image-gc-low-threshold",
    }
    between = {"evictionHard": "<"}
    return [
        f"--{names[key]}="
        + (
            ",".join(f"{one}{between.get(key, '=')}{much}" for one, much in value.items())
            if isinstance(value, dict)
            else str(value)
        )
        for key, value in settings.items()
    ]


def _dns(service_cidr: str) -> str:
    """Returns the address of the cluster's DNS: the tenth of the services."""
    if "." in service_cidr and "/" in service_cidr:
        return str(IPv4Network(service_cidr)[10])
    return f"{Fn.select(0, Fn.split('/', service_cidr))}a"
