"""Fargate as a kind of compute."""

from collections.abc import Iterator, Mapping
from typing import Any

from constructs import Construct

from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.fargate import objects
from eks_constructs.compute.fargate.construct import Fargate
from eks_constructs.compute.fargate.spec import FargateSelectorSpec, FargateSpec, globs_meet, of_system
from eks_constructs.compute.kind import Built, ClusterContext, ComputeKind, Drawn, Where, Wiring
from eks_constructs.compute.mix import Hosting
from eks_constructs.compute.placement import Nodes, reserved, rule_with_controller
from eks_constructs.manifests import ManifestFile
from eks_constructs.spec import Misplaced

REGION = "${AWS_REGION}"
"""Placeholder in a file where the environment names no region: `envsubst < FILE | kubectl apply -f -`."""


class FargatePods(ComputeKind[FargateSpec]):
    """Pods without nodes."""

    name = "fargate"
    title = "Fargate"
    rank = 2
    # No selector: the profile decides, by namespace and labels, before any scheduler sees the pod.
    rule = rule_with_controller(namespace=None, node_selector={}, identity="irsa")
    nodes_are = "Fargate profile"
    has_nodes = False

    def hosting(self, spec: FargateSpec) -> Hosting:
        return "at_once"

    def reaches(self, spec: FargateSpec) -> Iterator[tuple[str, str, Where]]:
        yield "fargate", "fargate", ()
        if spec.logging:
            yield "fargate_logging", "logging of Fargate", ("logging",)

    def log_groups(self, spec: FargateSpec, cluster: str) -> Iterator[tuple[str, str]]:
        if spec.logging:
            yield "FargateLogs", objects.log_group_name(cluster)

    def build(self, scope: Construct, spec: FargateSpec, wiring: Wiring) -> Built:
        made = Fargate(
            scope,
            "Fargate",
            spec,
            cluster=wiring.cluster,
            network=wiring.network,
            iam=wiring.context.iam,
            pulls=wiring.context.pull_statements,
            system_selectors=[FargateSelectorSpec(**pods) for pods in wiring.system_pods],
        )
        return Built(made, [profile for name, profile in made.profiles.items() if of_system(name)])

    def files(self, spec: FargateSpec, context: ClusterContext, network: ClusterNetwork) -> Iterator[ManifestFile]:
        if not spec.logging:
            return
        note = (
            "Fargate's built-in log router. Only pods that start later use it: kubectl rollout restart those that run."
        )
        if not context.region:
            note += (
                f" {REGION}: the environment file names no region; fill it in (envsubst does) before you apply this."
            )
        yield ManifestFile(
            10, "fargate-logging", objects.log_router_manifests(context.name, context.region or REGION), note
        )

    def nodes(self, spec: FargateSpec) -> Iterator[tuple[str, Nodes]]:
        yield self.title, Nodes({}, ("amd64",))

    def draw(self, spec: FargateSpec, workload: str, namespace: str | None) -> Drawn | None:
        selectors = [selector for profile in spec.profiles for selector in profile.selectors]
        # One that gives the workload a namespace of its own comes before one that names a namespace.
        for selector in sorted(selectors, key=lambda one: "*" not in one.namespace):
            mine = namespace or _namespace(selector, workload)
            if mine and globs_meet(selector.namespace, mine):
                return Drawn(mine, selector.labels)
        known = ", ".join(dict.fromkeys(selector.namespace for selector in selectors))
        if namespace:
            raise Misplaced(f"no Fargate profile selects the namespace {namespace}; they select: {known}", "namespace")
        raise Misplaced(
            f"no Fargate profile has a namespace to take (they select: {known}); name one with `namespace`", "compute"
        )

    def drawn_by(self, spec: FargateSpec, namespace: str, labels: Mapping[str, Any]) -> str | None:
        for profile in spec.profiles:
            for selector in profile.selectors:
                if globs_meet(selector.namespace, namespace) and selector.labels.items() <= labels.items():
                    return profile.name
        return None


def _namespace(selector: FargateSelectorSpec, name: str) -> str | None:
    """Returns a namespace for workload ``name`` out of what a selector matches, or None if it has none to give."""
    found = selector.namespace.replace("*", name, 1).replace("*", "")
    return None if "?" in found or len(found) > 63 or reserved(found) else found
