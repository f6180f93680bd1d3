"""Renders workloads: from plain YAML in workloads/ and a placement to the Kubernetes objects of one cluster."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from delivery.object_kind import kind_of
from delivery.order import in_order
from delivery.placeholders import ROLE_ARN, fill, placeholders, role_placeholder
from eks_constructs.compute.placement import reserved
from eks_constructs.compute.registry import KINDS, rules
from eks_constructs.manifests import KubernetesObject, ManifestFile
from eks_constructs.spec import Misplaced
from eks_facts.cluster_apis import group_of
from eks_facts.files import load
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.model import Environment
from stacks.environment.workload_spec import Need, WorkloadDescription, WorkloadSpec
from stacks.objects.exposure import expose, gate, made_by_aws
from stacks.objects.file_owner import file_owner
from stacks.objects.folder import SourceObject, describe, described_in, read_objects, workload_folder
from stacks.objects.known_names import KnownNames, known_names, uses
from stacks.objects.mirrored_images import use_mirrors
from stacks.objects.namespaces import into_namespace, is_shared
from stacks.objects.needs import Needs, check_identities, check_needs, controllers_for, needs_of
from stacks.objects.node_policies import let_agent
from stacks.objects.object_problems import Problems
from stacks.objects.placeholders import check_placeholders
from stacks.objects.pods import claim_templates
from stacks.objects.rules import check_objects
from stacks.objects.rules.setting import Setting
from stacks.objects.tls import check_tls
from stacks.placement.kind_limits import limits_met
from stacks.placement.kinds import Placement, place
from stacks.placement.pod_placement import place_pod

ORDER = 60
"""Order of workloads among the files of a cluster: after its own objects and the controllers."""


@dataclass(frozen=True)
class PlacedWorkload:
    """A workload of a cluster, ready to be applied except for placeholders."""

    placement: Placement
    description: WorkloadDescription
    needs: frozenset[Need]
    objects: Sequence[KubernetesObject]
    """In the order in which they are applied. They may have placeholders (delivery/placeholders.py)."""
    sources: Sequence[SourceObject]
    """What each of the objects was made from."""
    note: str
    images: Mapping[str, str] = field(default_factory=dict)
    """Of mirrored images: the original reference, by the mirrored one."""
    shared: frozenset[tuple[str, str, str, str]] = frozenset()
    """Its objects that could clash with other workloads': group, kind, namespace and name."""
    after: frozenset[str] = frozenset()
    """Namespaces of the workloads whose definitions and classes it uses."""
    file_owner: tuple[int, int] | None = None
    """User and group of the pods that use its file system, if it has one."""

    @property
    def file(self) -> ManifestFile:
        """The objects as a file."""
        return ManifestFile(ORDER, self.placement.namespace, self.objects, self.note)


@dataclass(frozen=True)
class _Read:
    """A workload that was read and placed."""

    placement: Placement
    description: WorkloadDescription
    variant: str | None
    sources: Sequence[SourceObject]
    balancers: Sequence[SourceObject]
    needs: Needs


def placed_workloads(cluster: ClusterSpec, environment: Environment) -> list[PlacedWorkload]:
    """Returns the workloads of a cluster, placed and rendered.

    Raises:
        BadInput: a file of a workload is not what it should be.
        Misplaced: a workload cannot be where the environment file puts it; the way to the key is that from the environment.
    """
    placed: list[PlacedWorkload] = []
    read: list[_Read] = []
    before: list[KubernetesObject] = []
    for index, spec in enumerate(cluster.workloads):
        with _at(index, cluster, environment):
            read.append(_read(spec, cluster, before))
        # A workload's definitions are available to it and to those after it.
        before += [source.object for source in read[-1].sources]
    brought = {name for one in read for name in controllers_for(one.needs, one.placement.rule)}
    switch = cluster.load_balancer_controller.enabled
    if switch is False and "load_balancer_controller" in brought:
        raise Misplaced(
            "a workload needs the AWS Load Balancer Controller; remove this, or the workload",
            *environment.where(cluster, "load_balancer_controller", "enabled"),
        )
    brought |= {"load_balancer_controller"} if switch else set()
    before = []
    for index, one in enumerate(read):
        own = [source.object for source in one.sources]
        before += own
        after = frozenset(
            other.placement.namespace
            for other in read[:index]
            if uses(own, (source.object for source in other.sources))
        )
        with _at(index, cluster, environment):
            workload = _placed(one, known_names(cluster, before, brought), after, cluster, environment)
            _check_distinct(workload, placed)
        placed.append(workload)
    return placed


@contextmanager
def _at(index: int, cluster: ClusterSpec, environment: Environment) -> Iterator[None]:
    """Gives a Misplaced the way to the workload that is the ``index``-th of its cluster."""
    try:
        yield
    except Misplaced as problem:
        raise Misplaced(str(problem), *environment.where(cluster, "workloads", index, *problem.where)) from None


def _read(spec: WorkloadSpec, cluster: ClusterSpec, before: Sequence[KubernetesObject]) -> _Read:
    try:
        folder = Path(spec.folder) if spec.folder else workload_folder(spec.name)
    except ValueError as problem:
        raise Misplaced(str(problem), "name") from None
    if spec.folder and not (folder / "workload.yaml").is_file():
        raise Misplaced(
            f"there is no file {folder / 'workload.yaml'}, which says what the workload is (docs/workloads.md)",
            "folder",
        )
    description = describe(folder)
    variant = spec.variant or next(iter(description.variants), None)
    if variant and variant not in description.variants:
        others = ", ".join(description.variants) or "none, leave it out"
        raise Misplaced(f"{spec.name} has no variant {variant}; it has: {others}", "variant")
    sources = read_objects(folder, variant)
    placement = place(spec, cluster)
    if reserved(placement.namespace):
        raise Misplaced(f"{placement.namespace} belongs to Kubernetes or EKS; choose another", "namespace")
    _check_kind(spec, description, variant, sources)
    known = known_names(cluster, [*before, *(source.object for source in sources)], ())
    balancers = [source for source in sources if made_by_aws(source.object, placement, known)]
    needs = needs_of(sources, balancers, description, variant, described_in(folder), placement.rule)
    check_placeholders(sources, needs)
    return _Read(placement, description, variant, sources, balancers, needs)


def _placed(
    read: _Read, known: KnownNames, after: frozenset[str], cluster: ClusterSpec, environment: Environment
) -> PlacedWorkload:
    placement, description, spec = read.placement, read.description, read.placement.spec
    check_needs(spec, read.needs, cluster, environment)
    check_identities(spec, description, placement.rule, cluster)
    kind = KINDS[spec.compute]
    scheme = kind.load_balancer_scheme(cluster.compute.sections[kind.name])
    setting = Setting(
        placement,
        known,
        scheme or spec.load_balancer_scheme or "internal",
        f"{kind.name}.load_balancer_scheme" if scheme else "load_balancer_scheme",
        description.service_account if "bucket" in read.needs else None,
        irsa=any(rules()[one.compute].identity == "irsa" for one in cluster.workloads),
        ipv6=cluster.control_plane.ip_family == "ipv6",
        isolated=not environment.network_of(cluster).reaches_internet,
        tags=environment.tags_of_what_is_made,
        objects=[source.object for source in read.sources],
    )
    problems = Problems()
    check_objects(read.sources, setting, problems)
    problems.raise_found()
    kept, left_out = _divided(spec, read.sources)
    shaped = list(_shaped(kept, read, setting, cluster))
    check_tls(spec, read.needs, read.balancers, description, placeholders(shaped))
    objects = [fill(item, _known_values(placement, cluster, environment)) for item in shaped]
    images = use_mirrors(objects, environment.registry_rules)
    note = " ".join([f"{description.what.rstrip('.')}. {_where(placement, read.variant)}", *left_out])
    owner = file_owner(objects, spec.name) if "file_system" in read.needs else None
    shared = frozenset(_shared_identity(item) for item in objects if is_shared(item, known))
    made_from = {id(item): source for item, source in zip(objects, kept, strict=True)}
    objects = in_order(objects)
    sources = [made_from[id(item)] for item in objects]
    return PlacedWorkload(
        placement, description, frozenset(read.needs), objects, sources, note, images, shared, after, owner
    )


def _check_kind(
    spec: WorkloadSpec, description: WorkloadDescription, variant: str | None, sources: Sequence[SourceObject]
) -> None:
    """Raises Misplaced if the compute cannot run the objects, or the workload does not allow it."""
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
    for other in before:
        if other.placement.namespace == namespace:
            raise Misplaced(
                f"{other.placement.spec.name} has the namespace {namespace} already; give this one another", "namespace"
            )
        for _, kind, _, name in sorted(workload.shared & other.shared):
            raise Misplaced(
                f"{other.placement.spec.name} in namespace {other.placement.namespace} has the {kind} {name} already,"
                " and a cluster has one of that name; remove one of the two, or put ${NAMESPACE} into its name",
                "name",
            )


def _identity(item: KubernetesObject) -> tuple[str, str]:
    return item["kind"], item["metadata"]["name"]


def _shared_identity(item: KubernetesObject) -> tuple[str, str, str, str]:
    metadata = item["metadata"]
    return group_of(item), item["kind"], str(metadata.get("namespace", "")), metadata["name"]


def _divided(spec: WorkloadSpec, sources: Sequence[SourceObject]) -> tuple[list[SourceObject], list[str]]:
    """Returns the objects that have an effect on the kind of compute, and a sentence for each of the others.

    Those would only look like protection.
    """
    without = load("compute_kinds")["without_effect"].get(spec.compute, {})
    kept = [source for source in sources if kind_of(source.object) not in without]
    rest = [source.object for source in sources if kind_of(source.object) in without]
    facts = [(" ".join(_identity(item)), without[item["kind"]]) for item in rest]
    return kept, [f"Left out: {name}, because {fact['fact']} ({fact['source']})." for name, fact in facts]


def _shaped(
    sources: Sequence[SourceObject], read: _Read, setting: Setting, cluster: ClusterSpec
) -> Iterator[KubernetesObject]:
    """Yields the objects with everything that the placement says of them; placeholders stay."""
    placement = read.placement
    roles = {one.service_account: role_placeholder(one.service_account) for one in read.description.pod_identities}
    roles |= {setting.service_account: ROLE_ARN} if setting.service_account else {}
    everything = [source.object for source in read.sources]
    for source in sources:
        item = into_namespace(copy.deepcopy(source.object), placement.namespace, everything, setting.known, source.file)
        place_pod(item, placement, cluster, source.file, everything)
        _fill_storage(item, placement)
        let_agent(item, placement)
        expose(item, placement, setting.scheme, by_aws=source in read.balancers, ipv6=setting.ipv6, tags=setting.tags)
        if kind_of(item) == "Namespace":
            gate(item, placement, exposed=bool(read.balancers))
        if (
            placement.rule.identity == "irsa"
            and kind_of(item) == "ServiceAccount"
            and item["metadata"]["name"] in roles
        ):
            role = roles[item["metadata"]["name"]]
            item["metadata"].setdefault("annotations", {})["eks.amazonaws.com/role-arn"] = f"${{{role}}}"
        yield item


def _fill_storage(item: KubernetesObject, placement: Placement) -> None:
    rule = placement.rule
    claims = [claim for _, claim in claim_templates(item)]
    if kind_of(item) == "PersistentVolumeClaim":
        claims.append(item)
    for claim in claims:
        if rule.storage_class:
            claim.setdefault("spec", {}).setdefault("storageClassName", rule.storage_class)
    if rule.storage_driver and kind_of(item) == "StorageClass":
        item.setdefault("provisioner", rule.storage_driver)
    if rule.storage_driver and kind_of(item) == "VolumeSnapshotClass":
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
