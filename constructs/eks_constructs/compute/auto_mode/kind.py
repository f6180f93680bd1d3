"""EKS Auto Mode as a kind of compute."""

from collections.abc import Iterator, Mapping

from constructs import Construct

from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.auto_mode import objects, rights
from eks_constructs.compute.auto_mode.construct import AutoModeNodeClassAccess
from eks_constructs.compute.auto_mode.spec import BUILT_IN_POOLS, AutoModeSpec, AutoNodePoolSpec
from eks_constructs.compute.devices import devices_of_pool
from eks_constructs.compute.kind import (
    STORAGE_CLASSES,
    Built,
    ClusterContext,
    ComputeKind,
    Lasting,
    Where,
    Wiring,
)
from eks_constructs.compute.mix import Hosting
from eks_constructs.compute.node_pools import named_categories, named_local_zones, named_types, named_zones
from eks_constructs.compute.placement import Nodes, Rule, claimable, toleration, unnumbered
from eks_constructs.control_plane import AutoModeSettings, ClusterRights
from eks_constructs.manifests import ManifestFile, storage_class
from eks_constructs.spec import Misplaced
from eks_facts.files import load
from eks_facts.instances import auto_mode_problem
from eks_facts.role_policies import narrowest

_NODE_ROLE, _CUSTOM_NODE_ROLE = "AutoNodeRole", "AutoCustomNodeRole"
_DRIVER = load("compute_kinds")["block_storage_drivers"]["auto_mode"]


class AutoMode(ComputeKind[AutoModeSpec]):
    """Nodes that AWS runs."""

    name = "auto_mode"
    title = "Auto Mode"
    rank = 1
    # https://docs.aws.amazon.com/eks/latest/userguide/associate-workload.html
    node_selector = {"eks.amazonaws.com/compute-type": "auto"}
    # https://docs.aws.amazon.com/eks/latest/userguide/auto-configure-alb.html, auto-configure-nlb.html
    rule = Rule(
        namespace="{name}-auto-mode",
        node_selector=node_selector,
        identity="pod_identity",
        storage_class="auto-gp3",
        storage_driver=_DRIVER,
        ingress_class="auto-alb",
        ingress_controller="eks.amazonaws.com/alb",
        load_balancer_class="eks.amazonaws.com/nlb",
        gateway_controller="eks.amazonaws.com/gateway-alb",
        readiness_gate="eks.amazonaws.com/pod-readiness-gate-inject",
        needs_controller=False,
    )

    def active(self, spec: AutoModeSpec) -> bool:
        return spec.enabled

    def has_room(self, spec: AutoModeSpec) -> bool:
        return bool(spec.built_in_node_pools or spec.node_pools)

    def hosting(self, spec: AutoModeSpec) -> Hosting:
        if "general-purpose" in spec.built_in_node_pools:
            return "at_once"
        if any(pool.open for pool in spec.node_pools):
            return "once_applied"
        return "at_once" if spec.built_in_node_pools else "never"

    def host_tolerations(self, spec: AutoModeSpec) -> tuple[Mapping[str, str], ...]:
        # The pool `system` is tainted for add-ons alone: https://docs.aws.amazon.com/eks/latest/userguide/set-builtin-node-pools.html
        if spec.built_in_node_pools != ["system"] or any(pool.open for pool in spec.node_pools):
            return ()
        taints = load("compute_kinds")["built_in_node_pools"]["system"]["taints"]
        return tuple(toleration(taint) for taint in taints)

    def instance_categories(self, spec: AutoModeSpec) -> Iterator[tuple[Where, str]]:
        yield from named_categories(spec.node_pools)

    def instance_types(self, spec: AutoModeSpec) -> Iterator[tuple[Where, str]]:
        yield from named_types(spec.node_pools)

    def check_cluster(self, spec: AutoModeSpec, context: ClusterContext) -> None:
        for index, one in enumerate(spec.node_classes):
            if one.efa_interfaces and (context.ipv6 or context.own_pod_subnets):
                why = "with IPv6" if context.ipv6 else "with subnets for pods alone: nothing adds an interface there"
                raise Misplaced(
                    f"Auto Mode takes no fixed network interfaces {why}. Remove it: a node gets its adapters when a pod asks"
                    " (https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html#static-network-interfaces)",
                    *("node_classes", index, "efa_interfaces"),
                )

        for where, name in self.instance_types(spec):
            if problem := auto_mode_problem(name):
                raise Misplaced(
                    f"{problem} (https://docs.aws.amazon.com/eks/latest/userguide/automode-learn-instances.html#auto-supported-instances);"
                    " choose another, or, if that page has it by now, add it to eks_facts/data/instance_families.yaml",
                    *where,
                )

    def zones(self, spec: AutoModeSpec) -> Iterator[tuple[Where, str]]:
        yield from named_zones(spec.node_pools)
        yield from named_local_zones(spec.node_classes)

    def reaches(self, spec: AutoModeSpec) -> Iterator[tuple[str, str, Where]]:
        yield "nodes", self.title, ()

    def lasting(self, scope: Construct, spec: AutoModeSpec, context: ClusterContext, prefix: str) -> Iterator[Lasting]:
        pulls = context.pull_statements
        role = rights.node_role(scope, prefix + _NODE_ROLE, iam=context.iam, cluster=context.name, pulls=pulls)
        yield Lasting(_NODE_ROLE, role, fixed=True)
        if spec.node_classes:
            custom = rights.custom_node_role(
                scope,
                prefix + _CUSTOM_NODE_ROLE,
                iam=context.iam,
                environment=context.environment,
                cluster=context.name,
                policies=spec.node_policies,
                pulls=pulls,
            )
            # The cluster lets go of it with its last node class.
            yield Lasting(_CUSTOM_NODE_ROLE, custom, fixed=False)

    def cluster_rights(self, spec: AutoModeSpec, *, tagged: bool) -> ClusterRights:
        tags = tagged or spec.volume_tags or any(one.tags for one in spec.node_classes)
        return ClusterRights(
            managed=tuple(name for name in narrowest("auto_mode_cluster") if name not in narrowest("cluster")),
            statements=rights.tagging_statements() if tags else (),
            tag_session=True,
        )

    def auto_mode(self, spec: AutoModeSpec, lasting: Mapping[str, str]) -> AutoModeSettings | None:
        pools: list[str] = [*spec.built_in_node_pools]
        # EKS takes the role only along with built-in pools.
        return AutoModeSettings(enabled=True, node_pools=pools, node_role_arn=lasting[_NODE_ROLE] if pools else None)

    def has_resources(self, spec: AutoModeSpec) -> bool:
        return bool(spec.node_classes)

    def build(self, scope: Construct, spec: AutoModeSpec, wiring: Wiring) -> Built:
        role_arn = wiring.lasting.get(_CUSTOM_NODE_ROLE)
        if role_arn is None:
            return Built()
        return Built(AutoModeNodeClassAccess(scope, "AutoMode", cluster=wiring.cluster, role_arn=role_arn))

    def files(self, spec: AutoModeSpec, context: ClusterContext, network: ClusterNetwork) -> Iterator[ManifestFile]:
        if "vpc-cni" not in context.addons:
            # With other nodes the vpc-cni add-on owns this ConfigMap (its enableNetworkPolicy). Kept: when nodes are added,
            # the add-on has taken it over by the time that it leaves the file; to delete it would switch the policies off.
            note = "Switches on Auto Mode's network policy engine; until then it ignores NetworkPolicies."
            yield ManifestFile(11, "network-policy", [objects.network_policy_manifest()], note, keep=True)
        tags = context.tags_of_what_is_made
        if spec.node_classes:
            role = rights.custom_node_role_name(context.iam, context.environment, context.name)
            classes = [
                objects.node_class_manifest(
                    one,
                    cluster=context.name,
                    role_name=role,
                    network=network,
                    tags=tags,
                    instance_types=spec.types_of(one),
                )
                for one in spec.node_classes
            ]
            yield ManifestFile(20, "node-classes", classes, "What nodes of Auto Mode are made of.")
        if spec.node_pools:
            pools = [objects.node_pool_manifest(one, ipv6=context.ipv6) for one in spec.node_pools]
            yield ManifestFile(21, "node-pools", pools, "Which nodes Auto Mode may add.")
        volumes = storage_class(
            "auto-gp3",
            provisioner=_DRIVER,
            default=True,
            only_on_auto_mode=context.mix.kinds != [self.name],
            tags=spec.volume_tags,
        )
        yield ManifestFile(30, "storage-classes", [volumes], STORAGE_CLASSES)
        balancers = objects.ingress_class_manifests(spec.load_balancer_scheme, ipv6=context.ipv6, tags=tags)
        yield ManifestFile(
            40, "ingress-classes", balancers, "Application Load Balancers by Auto Mode's own controller."
        )

    def names(self, spec: AutoModeSpec, context: ClusterContext) -> Iterator[tuple[str, str]]:
        yield from (("StorageClass", "auto-gp3"), ("IngressClass", "auto-alb"), ("IngressClassParams", "auto-alb"))
        yield from (("NodePool", name) for name in (*BUILT_IN_POOLS, *(pool.name for pool in spec.node_pools)))
        yield from (("NodeClass", name) for name in ("default", *(one.name for one in spec.node_classes)))

    def api_groups(self, spec: AutoModeSpec) -> Iterator[str]:
        yield self.name
        if spec.gateway_api:
            yield "gateway_api"

    def nodes(self, spec: AutoModeSpec) -> Iterator[tuple[str, Nodes]]:
        built_in = load("compute_kinds")["built_in_node_pools"]
        for name in spec.built_in_node_pools:
            architectures, taints = tuple(built_in[name]["architectures"]), tuple(built_in[name]["taints"])
            yield name, Nodes({"karpenter.sh/nodepool": name}, architectures, taints)
        for pool in spec.node_pools:
            taints = tuple(taint.model_dump() for taint in pool.taints)
            devices = devices_of_pool(pool, self.name)
            yield (
                pool.name,
                Nodes(
                    {"karpenter.sh/nodepool": pool.name},
                    tuple(pool.processors),
                    taints,
                    unnumbered(devices) | self._adapters(spec, pool),
                    device_classes=claimable(devices, "auto_mode"),
                    instance_types=tuple(pool.instance_types),
                ),
            )

    def _adapters(self, spec: AutoModeSpec, pool: AutoNodePoolSpec) -> dict[str, int | None]:
        made_of = next((one for one in spec.node_classes if one.name == pool.node_class), None)
        number = made_of.efa_interfaces if made_of else None
        return dict.fromkeys(load("devices")["resources"]["efa"], number) if number else {}

    def load_balancer_scheme(self, spec: AutoModeSpec) -> str | None:
        return spec.load_balancer_scheme
