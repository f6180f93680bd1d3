"""Checks what the parts of a cluster must reach against what its network offers. The needs: eks_facts/data/reach.yaml."""

from collections.abc import Iterator
from dataclasses import dataclass

from delivery.object_kind import kind_of
from eks_constructs.compute.registry import KINDS
from eks_constructs.existing_network_spec import ExistingNetworkSpec
from eks_constructs.manifests import HelmChart, KubernetesObject
from eks_constructs.network_spec import NetworkSpec
from eks_constructs.registries import Registries, has_known_images, images_of
from eks_constructs.vpc_endpoints import endpoint_services
from eks_facts.files import load
from safe_io.where import Where
from stacks.controllers import charts_of, needs_load_balancer_controller
from stacks.environment.chart_spec import ChartSpec
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.gitops_spec import GitOpsSpec
from stacks.environment.model import Environment
from stacks.objects.exposure import certificate_annotation, serves_tls
from stacks.objects.plain import PlainManifests, plain_manifests
from stacks.objects.pods import containers, pod_templates
from stacks.objects.rendering import PlacedWorkload, placed_workloads

_ENGINES = {"argo_cd": "Argo CD", "flux": "Flux"}


@dataclass(frozen=True)
class Unreachable:
    """Something that a part of a cluster needs and its network cannot reach."""

    where: Where
    text: str


def unreachable(environment: Environment) -> Iterator[Unreachable]:
    """Yields what the clusters' networks do not reach. Raises BadInput and Misplaced, as placed_workloads does."""
    for cluster in environment.clusters:
        network = environment.network_of(cluster)
        if not network.reaches_internet:
            yield from _Cluster(cluster, environment, network).problems()


class _Cluster:
    def __init__(
        self, cluster: ClusterSpec, environment: Environment, network: NetworkSpec | ExistingNetworkSpec
    ) -> None:
        self._cluster, self._environment, self._network = cluster, environment, network
        if isinstance(network, NetworkSpec):
            self._offered = {*endpoint_services(defaults=True, additional=network.additional_endpoints)}
            self._add, self._out = "network.additional_endpoints", "use NAT"
        else:
            self._offered = set(network.endpoints)
            self._add, self._out = "network.endpoints, once they are there", "set internet: true, if there is a way out"
        self._registries = environment.registry_rules
        self._workloads = placed_workloads(cluster, environment)
        self._gitops = environment.gitops if cluster.delivery == "gitops" else None
        # A function in the VPC installs charts, or an engine in the cluster; with `files` a person does, from elsewhere.
        self._engine = self._gitops if self._gitops and not self._synced_from_outside(self._gitops) else None
        self._installs_charts = cluster.delivered_by_stack or self._engine is not None

    def problems(self) -> Iterator[Unreachable]:
        for name, what, where in self._parts():
            part = load("reach")["parts"][name]
            yield from self._services(what, part["endpoints"], part.get("internet", []), part["why"], where)
        for addon in self._cluster.planned_addons():
            what, where = f"the add-on {addon.name}", self._at("addons", addon.name)
            if addon.endpoints is None:
                yield Unreachable(
                    where,
                    f"which AWS services {what} calls is not known here, and the network has no internet: name them in"
                    f" addons.{addon.name}.endpoints ([] says none), or {self._out}",
                )
                continue
            services = [one for one in addon.endpoints if one != "the internet"]
            internet = ["AWS services without an endpoint"] if "the internet" in addon.endpoints else []
            yield from self._services(what, services, internet, "its pods call them", where)
        for chart, where in charts_of(self._cluster, self._environment):
            yield from self._chart(chart, self._at(*where))
        for index, spec in enumerate(self._cluster.charts):
            yield from self._chart_calls(spec, self._at("charts", index))
        for index, workload in self._workloads_here():
            what, where = workload.placement.spec.name, self._at("workloads", index, "name")
            yield from self._images(what, workload, where)
        for index, plain in enumerate(plain_manifests(self._cluster, self._environment)):
            yield from self._images(plain.name, plain, self._at("manifests", index))
        if self._engine:
            yield from self._repository(self._engine)

    def _synced_from_outside(self, gitops: GitOpsSpec) -> bool:
        """Returns whether what applies the objects from Git runs outside of this network, as EKS's Argo CD does, or may."""
        if gitops.engine == "flux":
            return False
        if gitops.hub:
            return gitops.hub != "in-cluster"
        return any(one.capabilities and one.capabilities.argo_cd for one in self._environment.clusters)

    def _at(self, *keys: str | int) -> Where:
        return self._environment.where(self._cluster, *keys)

    def _parts(self) -> Iterator[tuple[str, str, Where]]:
        """Yields what the cluster is made of: the part's name, what to call it, and the key that asks for it."""
        yield from self._compute()
        cluster = self._cluster
        if cluster.access.tunnel_host:
            yield "session_manager", "tunnel_host", self._at("access", "tunnel_host")
        if cluster.delivered_by_stack:
            yield "kubectl", f"delivery: {cluster.delivery}", self._at("delivery")
        if needs_load_balancer_controller(cluster, self._environment):
            what, where = "the AWS Load Balancer Controller", self._at("load_balancer_controller")
            yield "load_balancer_controller", what, where
            yield "irsa" if cluster.compute.mix.deployments_run_on == "fargate" else "pod_identity", what, where
        for index, workload in enumerate(self._workloads):
            controlled = workload.placement.rule.needs_controller
            if controlled and any(_looks_certificate_up(item) for item in workload.objects):
                yield "certificate_discovery", workload.placement.spec.name, self._at("workloads", index, "name")
        yield from self._roles()

    def _roles(self) -> Iterator[tuple[str, str, Where]]:
        """Yields how add-ons, applications and workloads get their roles, and the buckets of the last."""
        cluster = self._cluster
        for addon in cluster.planned_addons():
            if addon.identity:
                yield "irsa" if addon.on_fargate else "pod_identity", f"the add-on {addon.name}", self._at("addons")
        for keys, one in cluster.all_pod_identities:
            for way in sorted(cluster.ways_of(one)):
                yield way, f"{one.namespace}/{one.service_account}", self._at(*keys)
        for index, workload in self._workloads_here():
            where, name = self._at("workloads", index, "name"), workload.placement.spec.name
            if "bucket" in workload.needs:
                yield "bucket", name, where
            if "bucket" in workload.needs or workload.description.pod_identities:
                yield workload.placement.rule.identity, name, where

    def _workloads_here(self) -> Iterator[tuple[int, PlacedWorkload]]:
        """Yields the workloads whose pods are in the network, each with its number in the file."""
        for index, workload in enumerate(self._workloads):
            if KINDS[workload.placement.spec.compute].in_network:
                yield index, workload

    def _compute(self) -> Iterator[tuple[str, str, Where]]:
        for kind, section in self._cluster.compute.active():
            for part, what, where in kind.reaches(section):
                yield part, what, self._at("compute", kind.name, *where)

    def _services(
        self, what: str, services: list[str], internet: list[str], why: str, where: Where
    ) -> Iterator[Unreachable]:
        if missing := [one for one in services if one not in self._offered]:
            yield Unreachable(
                where,
                f"{what} needs {', '.join(missing)} ({why}), which a network without internet reaches by VPC endpoints only:"
                f" add {'them' if len(missing) > 1 else 'it'} to {self._add}, or {self._out}",
            )
        if internet:
            yield Unreachable(
                where, f"{what} needs the internet, for {', '.join(internet)} ({why}): {self._out}, or remove it"
            )

    def _repository(self, engine: GitOpsSpec) -> Iterator[Unreachable]:
        where: Where = ("gitops", "repository")
        what = f"{_ENGINES[engine.engine]} runs in the cluster {self._cluster.name}, and"
        source = self._registries.git(engine.repository)
        if source.upstream.startswith("git-codecommit."):
            yield from self._services(what, ["git-codecommit"], [], "it reads the repository", where)
        elif problem := source.problem(self._environment.region):
            host = source.upstream
            yield Unreachable(
                where,
                f"{what} reads the repository: {problem}; name another repository, or, if the network reaches it, registries:"
                f" {{{_quoted(host)}: {{}}}}, or {self._out}",
            )

    def _chart(self, chart: HelmChart, where: Where) -> Iterator[Unreachable]:
        rules = self._registries
        if self._installs_charts:
            source = rules.repository(chart.repository)
            if problem := source.problem(self._environment.region):
                yield Unreachable(
                    where, f"the chart {chart.name} comes from {chart.repository}: {problem}{_advice(chart.repository)}"
                )
        if not has_known_images(chart):
            yield Unreachable(
                where,
                f"which images the chart {chart.name} has, and how to name others, is not known here: say images, if the file names the"
                f" chart, or {self._out}",
            )
        for repository in images_of(chart).values():
            if problem := rules.image(repository).problem(self._environment.region):
                yield Unreachable(
                    where, f"the chart {chart.name} has the image {repository}: {problem}{_advice(repository)}"
                )

    def _chart_calls(self, spec: ChartSpec, where: Where) -> Iterator[Unreachable]:
        endpoints = spec.said("endpoints")
        if endpoints is None:
            yield Unreachable(
                where,
                f"which AWS services the chart {spec.name} calls is not known here, and the network has no internet: name them in"
                f" endpoints ([] says none), or {self._out}",
            )
        else:
            yield from self._services(f"the chart {spec.name}", endpoints, [], "its pods call them", where)

    def _images(self, what: str, workload: PlacedWorkload | PlainManifests, where: Where) -> Iterator[Unreachable]:
        seen: set[str] = set()
        for item in workload.objects:
            for _, container in (one for _, pod in pod_templates(item) for one in containers(pod)):
                written = workload.images.get(str(container["image"]), str(container["image"]))
                source = self._registries.image(written)
                if source.upstream not in seen and (problem := source.problem(self._environment.region)):
                    seen.add(source.upstream)
                    image = written.partition("@")[0]
                    yield Unreachable(where, f"{what} has the image {image}: {problem}{_advice(image)}")


def _looks_certificate_up(item: KubernetesObject) -> bool:
    """Returns whether the load balancer controller finds the certificate of an Ingress by its host names."""
    named = (item["metadata"].get("annotations") or {}).get(certificate_annotation("Ingress"))
    return kind_of(item) == "Ingress" and serves_tls(item) and not named


def _advice(address: str) -> str:
    if not address.startswith(("https://", "oci://")) or address.startswith("oci://"):
        name = Registries({}, account=None, region=None).image(address.removeprefix("oci://")).upstream
    else:
        name = address
    return f"; name what the network reaches in its place: registries: {{{_quoted(name)}: {{mirror: ...}}}}"


def _quoted(name: str) -> str:
    return f'"{name}"' if ":" in name else name
