"""Renders workloads: from plain YAML in workloads/ and a placement to the Kubernetes objects of one cluster."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from delivery.order import in_order
from delivery.placeholders import ROLE_ARN, fill
from eks_constructs.catalog import load
from eks_constructs.manifests import KubernetesObject, ManifestFile
from eks_constructs.spec import Misplaced
from stacks.cluster_spec import ClusterSpec
from stacks.environment import Environment
from stacks.exposure import expose
from stacks.kind_limits import limits_met
from stacks.namespaces import into_namespace, is_cluster_scoped
from stacks.placed_pods import place_pod
from stacks.placement import Placement, place, reserved
from stacks.pods import claim_templates
from stacks.workload_folder import SourceObject, describe, read_objects, workload_folder
from stacks.workload_needs import check_needs
from stacks.workload_placeholders import check_placeholders
from stacks.workload_spec import Need, WorkloadDescription, WorkloadSpec

ORDER = 60
"""Place of workloads among the files of a cluster: after its own objects, and after the controllers that some need."""


@dataclass(frozen=True)
class PlacedWorkload:
    """A workload of a cluster, ready to be applied but for what only an account knows."""

    placement: Placement
    description: WorkloadDescription
    needs: frozenset[Need]
    objects: Sequence[KubernetesObject]
    """In the order in which they are applied. They may hold placeholders (delivery/placeholders.py)."""
    note: str

    @property
    def file(self) -> ManifestFile:
        """The objects as a file."""
        return ManifestFile(ORDER, self.placement.namespace, self.objects, self.note)


def workload_files(cluster: ClusterSpec, environment: Environment) -> list[ManifestFile]:
    """Returns the files of a cluster's workloads. Raises BadInput and Misplaced, as placed_workloads does."""
    return [workload.file for workload in placed_workloads(cluster, environment)]


def placed_workloads(cluster: ClusterSpec, environment: Environment) -> list[PlacedWorkload]:
    """Returns the workloads of a cluster, placed and rendered.

    Raises:
        BadInput: a file of a workload is not what it should be.
        Misplaced: a workload cannot be where the environment file puts it; the way to the key is that from the environment.
    """
    placed: list[PlacedWorkload] = []
    for index, spec in enumerate(cluster.workloads):
        try:
            workload = _placed(spec, cluster, environment)
            _check_distinct(workload, placed)
        except Misplaced as problem:
            where = environment.where(cluster, "workloads", index, *problem.where)
            raise Misplaced(str(problem), *where) from None
        placed.append(workload)
    return placed


def _placed(spec: WorkloadSpec, cluster: ClusterSpec, environment: Environment) -> PlacedWorkload:
    try:
        folder = workload_folder(spec.name)
    except ValueError as problem:
        raise Misplaced(str(problem), "name") from None
    description = describe(folder)
    variant = spec.variant or next(iter(description.variants), None)
    if variant and variant not in description.variants:
        known = ", ".join(description.variants) or "none, leave it out"
        raise Misplaced(f"{spec.name} has no variant {variant}; it has: {known}", "variant")
    sources = read_objects(folder, variant)
    placement = place(spec, cluster)
    if reserved(placement.namespace):
        raise Misplaced(f"{placement.namespace} belongs to Kubernetes or EKS; choose another", "namespace")
    _check_kind(spec, description, variant, sources)
    needs = frozenset(description.needs_of(variant))
    check_placeholders(sources, needs)
    check_needs(spec, needs, cluster, environment)
    kept, left_out = _divided(spec, sources)
    objects = list(_rendered(kept, placement, cluster, environment, description, needs))
    note = " ".join([f"{description.what.rstrip('.')}. {_where(placement, variant)}", *left_out])
    return PlacedWorkload(placement, description, needs, in_order(objects), note)


def _check_kind(
    spec: WorkloadSpec, description: WorkloadDescription, variant: str | None, sources: Sequence[SourceObject]
) -> None:
    """Raises Misplaced if the compute cannot run the objects, or is not meant to."""
    others = [name for name in description.variants if spec.compute in description.kinds_of(name)]
    advice = f" Its variant for {spec.compute} is: {', '.join(others)}" if others and variant not in others else ""
    name = f"{spec.name}, variant {variant}," if variant else spec.name
    for source in sources:
        for limit in limits_met(source.object, spec.compute):
            item = source.object
            _, field = source.file.message(limit.where, f" of {item['kind']} {item['metadata']['name']}")
            instead = f"; {limit.instead}" if limit.instead else ""
            raise Misplaced(
                f"{name} cannot run on {spec.compute}: {limit.fact} ({limit.source}): {field}{instead}.{advice}",
                "compute",
            )
    if spec.compute not in (kinds := description.kinds_of(variant)):
        raise Misplaced(f"{name} is for {', '.join(kinds)}, not for {spec.compute}.{advice}", "compute")


def _check_distinct(workload: PlacedWorkload, before: Sequence[PlacedWorkload]) -> None:
    """Raises Misplaced if two workloads of a cluster would own the same object."""
    namespace = workload.placement.namespace
    mine = {_identity(item) for item in workload.objects if is_cluster_scoped(item, workload.objects)}
    for other in before:
        if other.placement.namespace == namespace:
            raise Misplaced(
                f"{other.placement.spec.name} has the namespace {namespace} already; give this one another", "namespace"
            )
        for item in other.objects:
            if _identity(item) in mine and is_cluster_scoped(item, other.objects):
                kind, name = _identity(item)
                raise Misplaced(
                    f"{other.placement.spec.name} in namespace {other.placement.namespace} has the {kind} {name} already,"
                    " and a cluster has one of that name; take one of the two out, or put ${NAMESPACE} into its name",
                    "name",
                )


def _identity(item: KubernetesObject) -> tuple[str, str]:
    return item["kind"], item["metadata"]["name"]


def _divided(spec: WorkloadSpec, sources: Sequence[SourceObject]) -> tuple[list[SourceObject], list[str]]:
    """Returns the objects that have an effect on the kind of compute, and a sentence for each of the others.

    Those would only look like protection.
    """
    without = load("compute_kinds")["without_effect"].get(spec.compute, {})
    kept = [source for source in sources if source.object["kind"] not in without]
    rest = [source.object for source in sources if source.object["kind"] in without]
    facts = [(" ".join(_identity(item)), without[item["kind"]]) for item in rest]
    return kept, [f"Left out: {name}, because {fact['fact']} ({fact['source']})." for name, fact in facts]


def _rendered(
    sources: Sequence[SourceObject],
    placement: Placement,
    cluster: ClusterSpec,
    environment: Environment,
    description: WorkloadDescription,
    needs: frozenset[Need],
) -> Iterator[KubernetesObject]:
    account = description.service_account if "bucket" in needs and placement.rule.identity == "irsa" else None
    values = _known_values(placement, cluster, environment)
    auto = cluster.compute.active_auto_mode if placement.spec.compute == "auto_mode" else None
    scheme = auto.load_balancer_scheme if auto else placement.spec.load_balancer_scheme or "internal"
    everything = [source.object for source in sources]
    for source in sources:
        item = copy.deepcopy(source.object)
        item = into_namespace(item, placement.namespace, everything, source.file)
        place_pod(item, placement, cluster, source.file)
        _fill_storage(item, placement)
        expose(item, placement, scheme)
        if account and _identity(item) == ("ServiceAccount", account):
            item["metadata"].setdefault("annotations", {})["eks.amazonaws.com/role-arn"] = f"${{{ROLE_ARN}}}"
        yield fill(item, values)


def _fill_storage(item: KubernetesObject, placement: Placement) -> None:
    rule = placement.rule
    claims = [claim for _, claim in claim_templates(item)]
    if item["kind"] == "PersistentVolumeClaim":
        claims.append(item)
    for claim in claims:
        if rule.storage_class:
            claim.setdefault("spec", {}).setdefault("storageClassName", rule.storage_class)
    if rule.storage_driver and item["kind"] == "StorageClass":
        item.setdefault("provisioner", rule.storage_driver)
    if rule.storage_driver and item["kind"] == "VolumeSnapshotClass":
        item.setdefault("driver", rule.storage_driver)


def _known_values(placement: Placement, cluster: ClusterSpec, environment: Environment) -> dict[str, str]:
    """Returns what the environment file says of the placeholders' values."""
    said = {
        "AWS_ACCOUNT_ID": environment.account,
        "AWS_REGION": environment.region,
        "CERTIFICATE_ARN": placement.spec.certificate_arn,
        "HOSTNAME": placement.spec.hostname,
        "CLUSTER_NAME": cluster.name,
        "NAMESPACE": placement.namespace,
    }
    return {name: value for name, value in said.items() if value}


def _where(placement: Placement, variant: str | None) -> str:
    spec = placement.spec
    nodes = f", nodes {spec.nodes}" if spec.nodes else ""
    return f"On {spec.compute}{nodes}{f', variant {variant}' if variant else ''}."
