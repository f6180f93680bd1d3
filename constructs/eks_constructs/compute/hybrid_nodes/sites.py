"""Sites of hybrid nodes: where machines are, and what they join with."""

import json
import re
from collections.abc import Collection, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from eks_constructs.compute.mix import OWN_LABELS
from eks_constructs.compute.taints import TaintSpec, distinct
from eks_constructs.control_plane import KubernetesVersion
from eks_constructs.spec import (
    Cidr,
    KubernetesName,
    LabelKey,
    LabelValue,
    Misplaced,
    Spec,
    distinct_values,
    pattern,
    repeated,
)
from eks_facts.files import load
from eks_facts.node_selection import Way, keeps_off

COMPUTE_TYPE = "eks.amazonaws.com/compute-type"
"""The label that nodeadm gives each hybrid node, with the value `hybrid`."""
ZONE = "topology.kubernetes.io/zone"
"""The label that says which site a node is in: cloud nodes have their AZ there."""

_RESERVED = re.compile(r"(.*\.)?(kubernetes\.io|k8s\.io)/|eks\.amazonaws\.com/compute-type")
_ZONES = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+[a-z]|[a-z]{3,}\d-az\d+")
"""Names and ids of Availability Zones: eu-west-1a, euw1-az1."""
_NODE_LABELS = re.compile(r"node\.kubernetes\.io/|kubelet\.kubernetes\.io/")
"""Of Kubernetes' own, a kubelet may set these alone (the admission plugin NodeRestriction)."""


def _ip_address(text: str) -> str:
    try:
        address = IPv4Address(text)
    except ValueError:
        raise ValueError("must be an IPv4 address, such as 192.168.16.1") from None
    if address.is_loopback or address.is_multicast or address.is_unspecified or address.is_reserved:
        raise ValueError("must be an address that a router has: not of loopback, multicast, 0.0.0.0 or 240.0.0.0/4")
    return text


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
        if _ZONES.fullmatch(self.name):
            raise Misplaced(
                "looks like an Availability Zone, and nodes have it as their zone: pods and volumes of that AZ would be sent there;"
                " choose another",
                "name",
            )
        # Neither the network's own address nor that for all is a node's.
        room = IPv4Network(self.cidr).num_addresses - 2 if self.cidr else None
        if room is not None and len(self.nodes) > max(room, 1):
            raise Misplaced(f"{self.cidr} has addresses for {max(room, 1)}, and nodes has {len(self.nodes)}", "cidr")
        systems = load("hybrid_nodes")["systems"]
        if self.operating_system not in systems:
            raise Misplaced(f"must be one of {', '.join(systems)}", "operating_system")
        for key in self.labels:
            if key.startswith(OWN_LABELS) or (_RESERVED.match(key) and not _NODE_LABELS.match(key)):
                raise Misplaced(
                    "is a label that nodes may not give themselves, or that is set already; choose another key",
                    "labels",
                    key,
                )
        return self


def at_sites_alone(pod: Mapping[str, Any], sites: Collection[str]) -> Way | None:
    """Returns the field of a pod's spec that keeps the pod off every node but those of sites; None: others will do."""
    named = set(re.findall(r'"([^"]*)"', json.dumps(pod)))
    for label, of_sites in ((COMPUTE_TYPE, {"hybrid"}), (ZONE, set(sites))):
        field = keeps_off(pod, label, {"any other", *named} - of_sites)
        if field and not keeps_off(pod, label, of_sites):
            return field
    return None


def distinct_sites(sites: list[SiteSpec]) -> list[SiteSpec]:
    """Returns the sites. Raises Misplaced where two have a name, an address or a node in common."""
    if (index := repeated(site.name for site in sites)) is not None:
        raise Misplaced(f"{sites[index].name} is the name of two sites; choose another", index, "name")
    for index, site in enumerate(sites):
        for other in sites[:index]:
            if site.cidr and other.cidr and IPv4Network(site.cidr).overlaps(IPv4Network(other.cidr)):
                raise Misplaced(
                    f"{site.cidr} overlaps {other.cidr} of site {other.name}: which of the two has a node?",
                    index,
                    "cidr",
                )
    taken = [(index, place, name) for index, site in enumerate(sites) for place, name in enumerate(site.nodes)]
    if (which := repeated(name for _, _, name in taken)) is not None:
        index, place, name = taken[which]
        raise Misplaced(f"{name} is the name of two nodes; choose another", index, "nodes", place)
    return sites
