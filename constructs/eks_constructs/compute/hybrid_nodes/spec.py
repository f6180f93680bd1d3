"""EKS Hybrid Nodes: machines of yours, outside of AWS, that join the cluster. All of a node is yours, AWS has the control plane."""

import os
import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from eks_constructs.compute.taints import TaintSpec, distinct
from eks_constructs.control_plane import KubernetesVersion
from eks_constructs.spec import (
    PARTITION,
    UUID,
    Cidr,
    KubernetesName,
    LabelKey,
    LabelValue,
    Misplaced,
    RoleArn,
    Spec,
    distinct_values,
    pattern,
    repeated,
)
from eks_facts.files import limit, load
from eks_facts.private_ranges import RFC1918

COMPUTE_TYPE = "eks.amazonaws.com/compute-type"
"""The label that nodeadm gives each hybrid node, with the value `hybrid`."""
ZONE = "topology.kubernetes.io/zone"
"""The label that says which site a node is in: cloud nodes have their AZ there."""

_LARGEST_BUNDLE = 8_000
"""Characters of a trust anchor's certificates: API_SourceData.html of the IAM Roles Anywhere API reference."""
_CERTIFICATE = re.compile(r"\s*-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*", re.ASCII)
_OWN_LABELS = re.compile(r"(.*\.)?(kubernetes\.io|k8s\.io)/|eks\.amazonaws\.com/compute-type")
_NODE_LABELS = re.compile(r"node\.kubernetes\.io/|kubelet\.kubernetes\.io/")
"""Of Kubernetes' own, a kubelet may set these alone (the admission plugin NodeRestriction)."""


def _private(cidrs: list[str]) -> list[str]:
    for index, cidr in enumerate(cidrs):
        if not any(IPv4Network(cidr).subnet_of(block) for block in RFC1918):
            raise Misplaced(
                f"{cidr} is not within {', '.join(map(str, RFC1918))}, where EKS takes networks of hybrid nodes"
                " (https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-networking.html)",
                index,
            )
        for other in cidrs[:index]:
            if IPv4Network(cidr).overlaps(IPv4Network(other)):
                raise Misplaced(f"{cidr} overlaps {other}, which is in the list; remove one", index)
    if len(cidrs) > limit("remote_networks"):
        raise Misplaced(
            f"has {len(cidrs)} ranges; EKS takes {limit('remote_networks')}"
            " (https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-overview.html)"
        )
    return cidrs


RemoteCidrs = Annotated[list[Cidr], AfterValidator(_private), AfterValidator(distinct_values)]


def _bundle(text: str, info: ValidationInfo) -> str:
    """Returns the certificates of a bundle: the text itself, or what the file has that it names."""
    if "BEGIN CERTIFICATE" not in text:
        path = ((info.context or {}).get("paths") or {}).get(text, text)
        if not os.path.isfile(path):  # which answers false for text that no path can be, too
            raise ValueError("must be certificates in PEM form, or the path of a file that has them, such as ca.pem")
        try:
            with open(path, encoding="ascii") as file:
                text = file.read(10 * _LARGEST_BUNDLE)
        except (OSError, ValueError):
            text = ""
    if "PRIVATE KEY" in text:
        raise ValueError("has a private key, which belongs in no template; it must be the CA's certificates alone")
    parts = re.split(r"(?<=-----END CERTIFICATE-----)", text.strip())
    certificates = [part.strip() for part in parts if part.strip()]
    if not certificates or not all(_CERTIFICATE.fullmatch(one) for one in certificates):
        raise ValueError("must be one or more certificates in PEM form, and nothing else")
    whole = "\n".join(certificates)
    if len(whole) > _LARGEST_BUNDLE:
        raise ValueError(f"has {len(whole)} characters; IAM Roles Anywhere takes {_LARGEST_BUNDLE}")
    return whole


def _ip_address(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except ValueError:
        raise ValueError("must be an IPv4 address, such as 192.168.16.1") from None


ACTIVATION_TAG = "EKSClusterARN"
"""Tag of activations, and so of the managed instances that they register."""


class SsmSpec(Spec):
    """Credentials by an SSM hybrid activation: Systems Manager names the nodes (mi-...) and renews their credentials each hour."""

    activation_hours: Annotated[int, Field(ge=1, le=720)] = 24
    """How long an activation takes registrations; nodes that have registered stay."""


class IamRolesAnywhereSpec(Spec):
    """Credentials by X.509 certificates of your own CA, by IAM Roles Anywhere. A node's name is the common name of its certificate."""

    ca_bundle: Annotated[str, AfterValidator(_bundle)] | None = None
    """The CA's certificates (PEM): a file relative to this one, or the text itself. Public CAs cannot be trust anchors."""
    private_ca_arn: (
        Annotated[
            str,
            pattern(
                rf"arn:{PARTITION}:acm-pca:[a-z0-9-]{{1,30}}:\d{{12}}:certificate-authority/{UUID}",
                "must be the ARN of a CA of AWS Private CA: arn:aws:acm-pca:REGION:ACCOUNT:certificate-authority/ID",
            ),
        ]
        | None
    ) = None
    """A CA of AWS Private CA, in place of a bundle."""
    trust_anchor_arn: (
        Annotated[
            str,
            pattern(
                rf"arn:{PARTITION}:rolesanywhere:[a-z0-9-]{{1,30}}:\d{{12}}:trust-anchor/{UUID}",
                "must be the ARN of a trust anchor: arn:aws:rolesanywhere:REGION:ACCOUNT:trust-anchor/ID",
            ),
        ]
        | None
    ) = None
    """A trust anchor that exists, in place of one that is made."""
    session_hours: Annotated[int, Field(ge=1, le=12)] = 1
    """How long a node's credentials are valid before it renews them."""

    @model_validator(mode="after")
    def _one(self) -> "IamRolesAnywhereSpec":
        keys = ("ca_bundle", "private_ca_arn", "trust_anchor_arn")
        found = [key for key in keys if getattr(self, key)]
        if len(found) != 1:
            raise ValueError(f"names whom it trusts by one of {', '.join(keys)}; found {' and '.join(found) or 'none'}")
        return self


class CredentialsSpec(Spec):
    """How nodes get their AWS credentials: one way for a cluster, for one role belongs to it."""

    ssm: SsmSpec | None = None
    """By Systems Manager, where you have no certificates of your own."""
    iam_roles_anywhere: IamRolesAnywhereSpec | None = None
    """By certificates of your own CA."""

    @model_validator(mode="after")
    def _one(self) -> "CredentialsSpec":
        if bool(self.ssm) == bool(self.iam_roles_anywhere):
            found = "both are there" if self.ssm else "neither is there"
            raise ValueError(
                f"is ssm or iam_roles_anywhere, and {found}; AWS recommends ssm where you have no certificates yet"
            )
        return self

    @property
    def provider(self) -> Literal["ssm", "iam-ra"]:
        """As `nodeadm install --credential-provider` spells it."""
        return "ssm" if self.ssm else "iam-ra"


System = Annotated[
    str, Field(json_schema_extra=lambda schema: schema.update(enum=list(load("hybrid_nodes")["systems"])))
]
"""An operating system that AWS validates (eks_facts/data/hybrid_nodes.yaml)."""


class BgpSpec(Spec):
    """How Cilium announces the ranges of pods to a site's router."""

    local_asn: Annotated[int, Field(ge=1, le=4_294_967_295)]
    """Autonomous system of the nodes."""
    peer_asn: Annotated[int, Field(ge=1, le=4_294_967_295)]
    """Autonomous system of the router."""
    peer_address: Annotated[str, AfterValidator(_ip_address), Field(json_schema_extra={"format": "ipv4"})]
    """Address of the router."""


class SiteSpec(Spec):
    """Nodes in one place: what they join with, and what pods find them by."""

    name: KubernetesName
    """Name of the site; its nodes have it as their zone (topology.kubernetes.io/zone)."""
    cidr: Cidr | None = None
    """Addresses of its nodes, within `remote_node_networks` (default: all of those)."""
    kubernetes_version: KubernetesVersion | None = None
    """Version of the kubelet (default: the control plane's). It may be three minor versions behind, and never ahead."""
    operating_system: System = "ubuntu-24.04"
    """Operating system of its nodes, one of those that AWS validates."""
    architecture: Literal["amd64", "arm64"] = "amd64"
    """Processors of its nodes."""
    labels: Annotated[dict[LabelKey, LabelValue], Field(max_length=50)] = {}
    """Labels of its nodes, set when they join."""
    taints: Annotated[list[TaintSpec], AfterValidator(distinct)] = []
    """Taints of its nodes, set when they join."""
    max_nodes: Annotated[int, Field(ge=1, le=1000)] = 10
    """How many nodes one SSM activation registers at most."""
    bgp: BgpSpec | None = None
    """Announces the ranges of pods to the site's router; without it your routers need static routes to them."""
    nodes: Annotated[
        list[
            Annotated[
                str,
                pattern(
                    r"[a-z0-9]([-a-z0-9.]{0,62}[a-z0-9])?",
                    "must be at most 64 lower-case letters, digits, '-' and '.': the common name of the node's certificate",
                ),
            ]
        ],
        AfterValidator(distinct_values),
    ] = []
    """Names of its nodes, with `iam_roles_anywhere`: each gets a file. With `ssm` Systems Manager names them."""

    @property
    def all_labels(self) -> dict[str, str]:
        """Labels that its nodes give themselves when they join."""
        return {ZONE: self.name, **self.labels}

    @model_validator(mode="after")
    def _known(self) -> "SiteSpec":
        systems = load("hybrid_nodes")["systems"]
        if self.operating_system not in systems:
            raise Misplaced(f"must be one of {', '.join(systems)}", "operating_system")
        for key in self.labels:
            if _OWN_LABELS.match(key) and not _NODE_LABELS.match(key):
                raise Misplaced(
                    "is a label that nodes may not give themselves, or that is set already; choose another key",
                    "labels",
                    key,
                )
        return self


def _sites(sites: list[SiteSpec]) -> list[SiteSpec]:
    if (index := repeated(site.name for site in sites)) is not None:
        raise Misplaced(f"{sites[index].name} is the name of two sites; choose another", index, "name")
    taken = [(index, place, name) for index, site in enumerate(sites) for place, name in enumerate(site.nodes)]
    if (which := repeated(name for _, _, name in taken)) is not None:
        index, place, name = taken[which]
        raise Misplaced(f"{name} is the name of two nodes; choose another", index, "nodes", place)
    return sites


class HybridNodesSpec(Spec):
    """EKS Hybrid Nodes: machines of yours, in your data centers, that join the cluster over a private connection."""

    enabled: bool = True
    """`false` takes the networks off the cluster again: deploy that, then remove the section. Remove the nodes before it."""
    remote_node_networks: Annotated[RemoteCidrs, Field(min_length=1)]
    """Ranges of the nodes: private (RFC 1918), outside of the VPC and of the range of services, at most 15. Can change."""
    remote_pod_networks: RemoteCidrs = []
    """Ranges of their pods, if your network routes them: then load balancers, webhooks and cloud pods reach the pods. Can change."""
    unrouted_pod_networks: RemoteCidrs = []
    """Ranges of pods where `remote_pod_networks` is empty: nobody routes them, pods leave their node with its address."""
    pods_per_node: Literal[32, 64, 128, 256] = 128
    """Addresses of pods that Cilium gives a node, less the two that it keeps. It cannot change once Cilium runs."""
    hybrid_nodes_gateway: bool = False
    """Says that the EKS hybrid nodes gateway, a chart of AWS, keeps the routes to the pods, so that `network.connections` need not
    (https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-gateway-overview.html)."""
    credentials: CredentialsSpec
    """How nodes get their AWS credentials."""
    role_arn: RoleArn | None = None
    """A Hybrid Nodes role that exists, in place of one that is made
    (https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-creds.html)."""
    dns_forwarded: bool = False
    """Says that DNS of the sites forwards to a Route 53 inbound endpoint of the VPC: nodes then find the private endpoint of a cluster
    that has a public one, too."""
    sites: Annotated[list[SiteSpec], Field(min_length=1, max_length=50), AfterValidator(_sites)]
    """Where nodes are, and what they join with: each gets files in cdk.out/hybrid/ (docs/hybrid.md)."""

    def nets(self) -> Iterator[tuple[tuple[str | int, ...], IPv4Network]]:
        """Yields each range, with the way to it."""
        for key in ("remote_node_networks", "remote_pod_networks", "unrouted_pod_networks"):
            for index, cidr in enumerate(getattr(self, key)):
                yield (key, index), IPv4Network(cidr)

    @property
    def pod_networks(self) -> list[str]:
        """The ranges that Cilium takes pods' addresses from."""
        return self.remote_pod_networks or self.unrouted_pod_networks

    @model_validator(mode="after")
    def _pods(self) -> "HybridNodesSpec":
        key = "remote_pod_networks" if self.remote_pod_networks else "unrouted_pod_networks"
        if self.remote_pod_networks and self.unrouted_pod_networks:
            raise Misplaced("pods have addresses of remote_pod_networks; remove it", "unrouted_pod_networks")
        if not self.pod_networks:
            raise Misplaced(
                "pods need addresses: name ranges that your network routes here, or others in unrouted_pod_networks",
                "remote_pod_networks",
            )
        for index, pods in enumerate(self.pod_networks):
            for nodes in self.remote_node_networks:
                if IPv4Network(pods).overlaps(IPv4Network(nodes)):
                    raise Misplaced(f"{pods} overlaps {nodes}, a range of nodes; choose another", key, index)
            if IPv4Network(pods).num_addresses < self.pods_per_node:
                raise Misplaced(
                    f"{pods} has not even the {self.pods_per_node} addresses of one node (pods_per_node); choose a larger range",
                    *(key, index),
                )
        if self.hybrid_nodes_gateway and not self.remote_pod_networks:
            raise Misplaced("leads to remote_pod_networks, and there are none; remove it", "hybrid_nodes_gateway")
        return self

    @model_validator(mode="after")
    def _sites_fit(self) -> "HybridNodesSpec":
        anywhere = self.credentials.iam_roles_anywhere is not None
        for index, site in enumerate(self.sites):
            if site.cidr and not any(
                IPv4Network(site.cidr).subnet_of(IPv4Network(one)) for one in self.remote_node_networks
            ):
                raise Misplaced(
                    f"{site.cidr} is not within remote_node_networks: the control plane would not reach its nodes",
                    *("sites", index, "cidr"),
                )
            system: dict[str, Any] = load("hybrid_nodes")["systems"][site.operating_system]
            if anywhere and not system["iam_roles_anywhere"]:
                raise Misplaced(
                    f"{site.operating_system} takes credentials by ssm alone"
                    " (https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-os.html)",
                    *("sites", index, "operating_system"),
                )
            if anywhere and not site.nodes:
                raise Misplaced(
                    "is missing: with iam_roles_anywhere each node has the name that its certificate has; list them",
                    *("sites", index, "nodes"),
                )
            if site.bgp and not self.remote_pod_networks:
                raise Misplaced(
                    "announces remote_pod_networks, and there are none; remove it", *("sites", index, "bgp")
                )
            if site.nodes and not anywhere:
                raise Misplaced("are named by Systems Manager (mi-...) with ssm; remove it", "sites", index, "nodes")
        return self
