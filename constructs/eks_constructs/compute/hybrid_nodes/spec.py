"""EKS Hybrid Nodes: machines of yours, outside of AWS, that join the cluster. All of a node is yours, AWS has the control plane."""

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from eks_constructs.compute.hybrid_nodes.certificates import read_bundle
from eks_constructs.compute.hybrid_nodes.sites import SiteSpec, distinct_sites
from eks_constructs.spec import PARTITION, UUID, Cidr, Misplaced, RoleArn, Spec, distinct_values, pattern
from eks_facts.files import limit, load
from eks_facts.private_ranges import RFC1918

LONGEST_ROLE = 64
"""Of the role of an activation, with its path: API_CreateActivation.html of the Systems Manager API reference."""


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


ACTIVATION_TAG = "EKSClusterARN"
"""Tag of activations, and so of the managed instances that they register."""


class SsmSpec(Spec):
    """Credentials by an SSM hybrid activation: Systems Manager names the nodes (mi-...) and renews their credentials each hour."""

    activation_hours: Annotated[int, Field(ge=1, le=720)] = 24
    """How long an activation takes registrations; nodes that have registered stay."""


class IamRolesAnywhereSpec(Spec):
    """Credentials by X.509 certificates of your own CA, by IAM Roles Anywhere. A node's name is the common name of its certificate."""

    ca_bundle: Annotated[str, AfterValidator(read_bundle)] | None = None
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
    sites: Annotated[list[SiteSpec], Field(min_length=1, max_length=50), AfterValidator(distinct_sites)]
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

    def opens(self, *, dns: bool) -> Iterator[tuple[str, str, int, str]]:
        """Yields what the cluster's security group lets in from the sites: range, protocol, port, and why. ``dns``: CoreDNS in the VPC.

        https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-networking.html#hybrid-nodes-networking-cluster-sg and
        hybrid-nodes-gateway-getting-started.html
        """
        ranges = [(cidr, "kubelets") for cidr in self.remote_node_networks]
        ranges += [(cidr, "pods") for cidr in self.remote_pod_networks]
        for cidr, what in ranges:
            yield cidr, "tcp", 443, f"Kubernetes API from {what} of hybrid nodes in {cidr}"
        # Without a range of their own pods come with the address of their node.
        for cidr, _ in ranges if dns else []:
            yield cidr, "tcp", 53, f"CoreDNS in the VPC from hybrid nodes in {cidr}"
            yield cidr, "udp", 53, f"CoreDNS in the VPC from hybrid nodes in {cidr}"
        for cidr in self.remote_node_networks if self.hybrid_nodes_gateway else []:
            yield cidr, "udp", 8472, f"Tunnels to the hybrid nodes gateway from hybrid nodes in {cidr}"

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
        # A node takes a whole block of one range, so what is left over of a range is lost.
        blocks = sum(IPv4Network(pods).num_addresses // self.pods_per_node for pods in self.pod_networks)
        least = sum(max(len(site.nodes), 1) for site in self.sites)
        if least > blocks:
            raise Misplaced(
                f"has pods' addresses for {blocks} nodes (pods_per_node: {self.pods_per_node}), and the sites have {least} at least;"
                " add a range, or choose a larger one",
                key,
            )
        if self.hybrid_nodes_gateway and not self.remote_pod_networks:
            raise Misplaced("leads to remote_pod_networks, and there are none; remove it", "hybrid_nodes_gateway")
        return self

    @model_validator(mode="after")
    def _role_fits(self) -> "HybridNodesSpec":
        name = (self.role_arn or "").partition(":role/")[2]
        if self.credentials.ssm and len(name) > LONGEST_ROLE:
            raise Misplaced(
                f"{name} has {len(name)} characters with its path, and activations of Systems Manager take {LONGEST_ROLE}; name another",
                "role_arn",
            )
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
