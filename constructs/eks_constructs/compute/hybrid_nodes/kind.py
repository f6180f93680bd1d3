"""Hybrid nodes as a kind of compute: machines outside of AWS."""

from collections.abc import Collection, Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any

from constructs import Construct

from eks_constructs.compute.hybrid_nodes.construct import HybridNodes
from eks_constructs.compute.hybrid_nodes.handouts import handouts
from eks_constructs.compute.hybrid_nodes.sites import COMPUTE_TYPE
from eks_constructs.compute.hybrid_nodes.spec import HybridNodesSpec
from eks_constructs.compute.kind import Built, ClusterContext, ComputeKind, Where, Wiring
from eks_constructs.compute.mix import Hosting
from eks_constructs.compute.placement import Nodes, rule_with_controller
from eks_constructs.control_plane import RemoteNetworks
from eks_constructs.network_connections import routed
from eks_constructs.spec import Misplaced
from eks_facts.addons import addons
from eks_facts.files import limit, load
from eks_facts.versions import KUBELET_SKEW, minors_behind

_SHORTEST_NAME = 16
"""Of a role, with the hash that tells it from others."""
_DOCS = "https://docs.aws.amazon.com/eks/latest/userguide"


class HybridNodesKind(ComputeKind[HybridNodesSpec]):
    """Machines of yours, outside of AWS."""

    name = "hybrid_nodes"
    title = "hybrid_nodes"
    rank = 8
    node_selector = {COMPUTE_TYPE: "hybrid"}
    rule = rule_with_controller(
        namespace="{name}-hybrid-nodes", node_selector=node_selector, policies_reach_the_node=False
    )
    nodes_are = "site"
    in_network = False
    makes_access_entry = True

    def active(self, spec: HybridNodesSpec) -> bool:
        return spec.enabled

    def hosting(self, spec: HybridNodesSpec) -> Hosting:
        # No deploy makes these nodes: people join them once the cluster is there.
        open_sites = [site for site in spec.sites if all(one.effect == "PreferNoSchedule" for one in site.taints)]
        return "once_applied" if open_sites else "never"

    def remote_networks(self, spec: HybridNodesSpec) -> RemoteNetworks:
        if not spec.enabled:
            return RemoteNetworks()
        return RemoteNetworks(tuple(spec.remote_node_networks), tuple(spec.remote_pod_networks))

    def opens(self, spec: HybridNodesSpec, context: ClusterContext) -> Iterator[tuple[str, str, int]]:
        for cidr, protocol, port, _ in spec.opens(dns=self._dns_in_the_cloud(context)):
            yield cidr, protocol, port

    def _dns_in_the_cloud(self, context: ClusterContext) -> bool:
        """Whether CoreDNS has replicas in the VPC."""
        return "coredns" in context.addons and context.mix.deployments_run_on != self.name

    def check_cluster(self, spec: HybridNodesSpec, context: ClusterContext) -> None:
        if context.ipv6:
            raise Misplaced(
                f"needs IPv4: hybrid nodes cannot join a cluster with ip_family: ipv6 ({_DOCS}/hybrid-nodes-cluster-create.html)"
            )
        if context.public_endpoint and not spec.dns_forwarded:
            raise Misplaced(
                "with a public endpoint beside the private one the API's name has public addresses outside of the VPC, and nodes may not"
                " join: close the public one, or, if the sites' DNS forwards to a Route 53 inbound endpoint of the VPC, set"
                f" dns_forwarded: true ({_DOCS}/hybrid-nodes-cluster-create.html)"
            )
        taken = [context.service_cidr] if context.service_cidr else load("hybrid_nodes")["default_service_ranges"]
        for where, network in spec.nets():
            for services in taken:
                if network.overlaps(IPv4Network(services)):
                    instead = "" if context.service_cidr else "; choose another, or set control_plane.service_cidr"
                    raise Misplaced(
                        f"{network} overlaps {services}, the range of services"
                        f"{instead or '; choose another'} ({_DOCS}/hybrid-nodes-networking.html)",
                        *where,
                    )
        facts = load("hybrid_nodes")
        for index, site in enumerate(spec.sites):
            version = site.kubernetes_version
            if version and not 0 <= minors_behind(context.kubernetes_version, version) <= KUBELET_SKEW:
                raise Misplaced(
                    f"nodes would have Kubernetes {version}, the control plane {context.kubernetes_version}; kubelets may be"
                    f" {KUBELET_SKEW} minor versions behind, and never ahead",
                    *("sites", index, "kubernetes_version"),
                )
            runs = version or context.kubernetes_version
            system = facts["systems"][site.operating_system]
            if system.get("cgroup_v1") and minors_behind(runs, facts["cgroup_v2_from"]) >= 0:
                raise Misplaced(
                    f"{system['title']} boots with cgroup v1, and kubelets of Kubernetes {facts['cgroup_v2_from']} and later do not"
                    f" start with it ({_DOCS}/kubernetes-versions-standard.html); choose another, or let the site run an older"
                    " kubernetes_version",
                    *("sites", index, "operating_system"),
                )

    def check_network(self, spec: HybridNodesSpec, context: ClusterContext, zones: Collection[str] | None) -> None:
        if context.region and context.region.startswith(tuple(load("hybrid_nodes")["regions_without"])):
            raise Misplaced(
                f"EKS has no hybrid nodes in {context.region} ({_DOCS}/hybrid-nodes-overview.html); remove it"
            )
        room = limit("role_name") - len(context.iam.path.lstrip("/")) - len(context.iam.name_prefix or "")
        if room < _SHORTEST_NAME and not spec.role_arn:
            raise Misplaced(
                f"Systems Manager takes a role by path and name, {limit('role_name')} characters in all, and iam.path and iam.name_prefix"
                " leave no room for a name: shorten them, or name a role_arn"
            )
        _check_ranges(spec, context)
        if spec.hybrid_nodes_gateway and not {"managed_nodes", "self_managed_nodes", "auto_mode"} & set(
            context.mix.kinds
        ):
            raise Misplaced(
                "the gateway runs on EC2 nodes, and there are none; add a node group, or remove it"
                f" ({_DOCS}/hybrid-nodes-gateway-overview.html)",
                "hybrid_nodes_gateway",
            )
        if context.mix.deployments_run_on == self.name and not spec.remote_pod_networks:
            for name in sorted(context.addons):
                if addons().get(name, {}).get("control_plane_calls"):
                    raise Misplaced(
                        f"is missing: {name} would run on hybrid nodes, and the control plane calls its pods; add the ranges, or"
                        f" switch the add-on off ({_DOCS}/hybrid-nodes-add-ons.html)",
                        "remote_pod_networks",
                    )

    def reaches(self, spec: HybridNodesSpec) -> Iterator[tuple[str, str, Where]]:
        # The sites' way to AWS is theirs; what goes by the VPC's endpoints is in docs/hybrid.md.
        yield from ()

    def build(self, scope: Construct, spec: HybridNodesSpec, wiring: Wiring) -> Built:
        context = wiring.context
        made = HybridNodes(
            scope,
            "HybridNodes",
            spec,
            cluster=wiring.cluster,
            iam=context.iam,
            pulls=context.pull_statements,
            environment=context.environment,
            security_group_id=wiring.security_group_id,
            pod_identity="eks-pod-identity-agent" in context.addons,
            dns_in_the_cloud=self._dns_in_the_cloud(context),
        )
        return Built(made)

    def handouts(self, spec: HybridNodesSpec, context: ClusterContext) -> Iterator[tuple[str, str]]:
        return handouts(spec, context)

    def out_of_reach(self, spec: HybridNodesSpec) -> str | None:
        if spec.remote_pod_networks:
            return None
        return (
            "no load balancer of AWS reaches pods on hybrid nodes without compute.hybrid_nodes.remote_pod_networks"
            f" ({_DOCS}/hybrid-nodes-load-balancing.html)"
        )

    def nodes(self, spec: HybridNodesSpec) -> Iterator[tuple[str, Nodes]]:
        for site in spec.sites:
            taints: tuple[Mapping[str, Any], ...] = tuple(taint.model_dump() for taint in site.taints)
            yield site.name, Nodes({**self.node_selector, **site.all_labels}, (site.architecture,), taints)


def _check_ranges(spec: HybridNodesSpec, context: ClusterContext) -> None:
    """Raises Misplaced for ranges that the VPC has itself, or that nothing leads to."""
    for where, network in spec.nets():
        for cidr in context.vpc_cidrs:
            if network.overlaps(IPv4Network(cidr)):
                raise Misplaced(
                    f"{network} overlaps {cidr} of the VPC; choose another ({_DOCS}/hybrid-nodes-networking.html)",
                    *where,
                )
    for where, network in spec.nets() if context.connections is not None else ():
        routed_here = where[0] == "remote_node_networks" or (
            where[0] == "remote_pod_networks" and not spec.hybrid_nodes_gateway
        )
        if routed_here and routed(context.connections or (), str(network)) is False:
            raise Misplaced(
                f"nothing leads from the VPC to {network}, so the control plane would not reach what is there: add it to the routes"
                f" of network.connections ({_DOCS}/hybrid-nodes-networking.html)",
                *where,
            )
