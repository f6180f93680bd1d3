"""Karpenter as a kind of compute: nodes beside managed or self-managed ones."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from aws_cdk import CfnOutput
from constructs import Construct

from eks_constructs.addon_plan import merge
from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.devices import KARPENTER_LABELS, DeviceSoftware, devices_of_pool, offered, one_each
from eks_constructs.compute.ec2_nodes.user_data import PodAddresses
from eks_constructs.compute.karpenter import objects
from eks_constructs.compute.karpenter.construct import Karpenter, node_role_name
from eks_constructs.compute.karpenter.spec import KarpenterSpec
from eks_constructs.compute.kind import ClusterContext, ComputeKind, Where, Wiring
from eks_constructs.compute.node_pools import named_categories, named_local_zones, named_types, named_zones
from eks_constructs.compute.placement import Nodes, claimable, disk_for_pods
from eks_constructs.manifests import HelmChart, ManifestFile
from eks_constructs.spec import Misplaced
from eks_facts.files import load

HOSTS = ("managed_nodes", "self_managed_nodes")
"""The kinds on whose nodes it can run, in order of preference: not on nodes that it makes."""


class KarpenterNodes(ComputeKind[KarpenterSpec]):
    """Nodes that your own autoscaler adds and removes."""

    name = "karpenter"
    title = "Karpenter"
    node_selector = objects.NODES
    joins = HOSTS
    makes_access_entry = True

    def check(self, spec: KarpenterSpec, sections: Mapping[str, Any]) -> None:
        if "auto_mode" in sections:
            raise Misplaced("Auto Mode is Karpenter, run by AWS: remove one of the two", self.name)
        present = [sections[name] for name in HOSTS if name in sections]
        if not present:
            raise Misplaced("runs on managed or self-managed nodes, and there are none; add managed_nodes", self.name)
        if not any(section.hosts_addons for section in present):
            raise Misplaced(
                "runs on managed or self-managed nodes, and no group has room for it: one needs a desired_size above 0, no taints and"
                " no revision",
                self.name,
            )
        groups = {group.name for section in present for group in section.groups}
        for index, pool in enumerate(spec.node_pools):
            if pool.name in groups:
                raise Misplaced(
                    f"{pool.name} is a node group already; choose another", self.name, "node_pools", index, "name"
                )

    def check_cluster(self, spec: KarpenterSpec, context: ClusterContext) -> None:
        for where, _, one in spec.classes:
            try:
                one.check_version(context.kubernetes_version)
            except Misplaced as problem:
                raise Misplaced(str(problem), *where, *problem.where) from None
        versions = list(load("kubernetes_versions")["versions"])
        mine = context.kubernetes_version
        if versions.index(mine) > versions.index(objects.NEWEST_KUBERNETES):
            raise Misplaced(
                f"Karpenter {objects.VERSION} is for Kubernetes up to {objects.NEWEST_KUBERNETES}, and the control plane has"
                f" {mine}; wait with the upgrade, or raise the version in constructs/eks_constructs/compute/karpenter/objects.py"
            )

    def check_network(self, spec: KarpenterSpec, context: ClusterContext, zones: Collection[str] | None) -> None:
        super().check_network(spec, context, zones)
        pods = PodAddresses.of(context)  # of all nodes of a class, whatever their instance type
        for index, pool in enumerate(spec.node_pools if pods.prefixes else ()):
            for place, one in enumerate(() if spec.class_of(pool).kubelet.max_pods else pool.instance_types):
                if (most := pods.with_prefixes([one])) < (usual := pods.with_prefixes([])):
                    raise Misplaced(
                        f"with prefixes nodes take {usual} pods, and {one} has addresses for {most}; choose a larger type, or set"
                        f" kubelet.max_pods: {most} in the node class of the pool",
                        *("node_pools", index, "instance_types", place),
                    )
            for place, rule in enumerate(
                () if pods.ipv6 or spec.class_of(pool).kubelet.max_pods else pool.requirements
            ):
                few = (
                    rule.values == ["1"] if rule.operator == "In" else rule.operator == "Lt" and int(rule.values[0]) < 3
                )
                if rule.key == "karpenter.k8s.aws/instance-cpu" and few:
                    raise Misplaced(
                        "with prefixes a pool takes no instance of one vCPU, which has fewer addresses than pods; choose more, or set"
                        " kubelet.max_pods in the node class of the pool",
                        *("node_pools", index, "requirements", place, "values"),
                    )

    def instance_categories(self, spec: KarpenterSpec) -> Iterator[tuple[Where, str]]:
        yield from named_categories(spec.node_pools)

    def instance_types(self, spec: KarpenterSpec) -> Iterator[tuple[Where, str]]:
        yield from named_types(spec.node_pools)

    def zones(self, spec: KarpenterSpec) -> Iterator[tuple[Where, str]]:
        yield from named_zones(spec.node_pools)
        yield from ((("local_zones", place), zone) for place, zone in enumerate(spec.local_zones))
        yield from named_local_zones(spec.node_classes)

    def reaches(self, spec: KarpenterSpec) -> Iterator[tuple[str, str, Where]]:
        yield "karpenter", self.title, ()
        if spec.session_manager:
            yield "session_manager", "session_manager", ("session_manager",)

    def controller(self, scope: Construct, spec: KarpenterSpec, wiring: Wiring) -> Mapping[str, str]:
        context = wiring.context
        made = Karpenter(
            scope,
            "Karpenter",
            iam=context.iam,
            environment=context.environment,
            cluster=wiring.cluster,
            node_policies=[*spec.node_policies, *(["AmazonSSMManagedInstanceCore"] if spec.session_manager else [])],
            pulls=context.pull_statements,
        )
        what = "Queue of EC2's warnings, for Karpenter"
        CfnOutput(scope, objects.QUEUE_OUTPUT, value=made.queue_name, description=what)
        return {objects.QUEUE: made.queue_name}

    def charts(self, spec: KarpenterSpec, context: ClusterContext) -> Sequence[HelmChart]:
        host = next(name for name in HOSTS if name in context.sections and context.sections[name].hosts_addons)
        # Replicas do not share a node: as many as those nodes have place for, two at most.
        replicas = min(2, sum(group.desired for group in context.sections[host].groups if group.hosts_addons))
        definitions, controller = objects.charts(
            context.name,
            host=host,
            replicas=replicas,
            own_pod_subnets=context.own_pod_subnets,
            isolated=context.isolated,
            gates=[
                *(["staticCapacity"] if any(pool.static_nodes for pool in spec.node_pools) else []),
                *(["nodeRepair"] if spec.node_repair else []),
            ],
        )
        values = merge(controller.values, spec.values)
        return [
            replace(one, version=spec.version or one.version)
            for one in (definitions, replace(controller, values=values))
        ]

    def files_of_controller(
        self, spec: KarpenterSpec, context: ClusterContext, network: ClusterNetwork
    ) -> Sequence[ManifestFile]:
        return [
            objects.nodes(
                spec,
                cluster=context.name,
                profile=node_role_name(context.iam, context.environment, context.name),
                network=network,
                tags=context.tags,
                prefixes=context.prefixes,
                ipv6=context.ipv6,
            )
        ]

    def names(self, spec: KarpenterSpec, context: ClusterContext) -> Iterator[tuple[str, str]]:
        yield from (("EC2NodeClass", name) for name in ("default", *(one.name for one in spec.node_classes)))
        yield from (("NodePool", pool.name) for pool in spec.node_pools)

    def api_groups(self, spec: KarpenterSpec) -> Iterator[str]:
        yield self.name

    def device_software(self, spec: KarpenterSpec) -> Iterator[DeviceSoftware]:
        for pool in spec.node_pools:
            made_of = spec.class_of(pool)
            mine = {"key": "karpenter.sh/nodepool", "operator": "In", "values": [pool.name]}
            claims = made_of.device_allocation == "dra"
            brought = set() if claims else set(load("devices")["plugins"][made_of.system])
            for device in sorted(devices_of_pool(pool, made_of.system) - brought):
                sharing = made_of.gpu_sharing if device == "nvidia" else None
                yield DeviceSoftware(f"{device}{'_dra' if claims else ''}", (KARPENTER_LABELS[device], mine), sharing)
            if made_of.efa_interfaces:
                yield DeviceSoftware("efa", (mine,))

    def nodes(self, spec: KarpenterSpec) -> Iterator[tuple[str, Nodes]]:
        for pool in spec.node_pools:
            taints = tuple(taint.model_dump() for taint in pool.taints)
            selector = {**self.node_selector, "karpenter.sh/nodepool": pool.name}
            made_of = spec.class_of(pool)
            devices = devices_of_pool(pool, made_of.system)
            yield (
                pool.name,
                Nodes(
                    selector,
                    tuple(pool.processors),
                    taints,
                    offered(made_of, devices, pool.instance_types),
                    disk_for_pods(made_of.volume_gib),
                    claimable(devices if made_of.device_allocation == "dra" else set(), "own"),
                    one_each(made_of),
                    instance_types=tuple(pool.instance_types),
                ),
            )
