"""Kubernetes objects of other folders that are applied as they are (`manifests` of a cluster)."""

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from delivery.order import in_order
from delivery.placeholders import fill, placeholders, places
from eks_constructs.manifests import KubernetesObject, ManifestFile
from eks_constructs.spec import Misplaced
from eks_facts.node_selection import ARCHITECTURE
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.model import Environment
from stacks.objects.folder import SourceObject, documents_below
from stacks.objects.mirrored_images import use_mirrors
from stacks.objects.object_problems import Problems
from stacks.objects.pods import pod_templates
from stacks.placement.roles import not_filled, role_outputs

ORDER = 55
"""Order among the files of a cluster: after charts, before workloads."""
_FILLED = ("AWS_ACCOUNT_ID", "AWS_PARTITION", "AWS_REGION", "CLUSTER_NAME")


@dataclass(frozen=True)
class PlainManifests:
    """The objects of one entry of `manifests`."""

    name: str
    objects: Sequence[KubernetesObject]
    """In the order in which they are applied."""
    sources: Sequence[SourceObject]
    """What each of them was made from."""
    images: Mapping[str, str]
    """Of mirrored images: the original reference, by the mirrored one."""
    outputs: Mapping[str, str]
    """Placeholders for roles in the objects, and the outputs of the workloads' stack with their values."""

    @property
    def file(self) -> ManifestFile:
        """The objects as a file."""
        note = "Applied as written: the environment file names it under manifests."
        return ManifestFile(ORDER, self.name, self.objects, note, outputs=self.outputs)


def plain_manifests(cluster: ClusterSpec, environment: Environment) -> list[PlainManifests]:
    """Returns what `manifests` of a cluster names.

    Raises:
        BadInput: a file is not what it should be.
        Misplaced: two entries would have one name; the way to the key is that from the environment.
    """
    found: list[PlainManifests] = []
    values = {"AWS_ACCOUNT_ID": environment.account, "AWS_REGION": environment.region, "CLUSTER_NAME": cluster.name}
    known = {name: value for name, value in values.items() if value}
    for index, text in enumerate(cluster.manifests):
        path = Path(text)
        name = "manifests-" + (re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")[:60] or "objects")
        if name in {one.name for one in found}:
            raise Misplaced(
                f"another entry is called {path.stem}, too; rename one, or name the folder of both",
                *environment.where(cluster, "manifests", index),
            )
        sources = documents_below(path)
        _check(sources, cluster)
        objects = [fill(copy.deepcopy(source.object), known) for source in sources]
        images = use_mirrors(objects, environment.registry_rules)
        made_from = {id(item): source for item, source in zip(objects, sources, strict=True)}
        objects = in_order(objects)
        found.append(
            PlainManifests(
                name,
                objects,
                [made_from[id(item)] for item in objects],
                images,
                role_outputs(placeholders(objects), cluster),
            )
        )
    return found


def _check(sources: Sequence[SourceObject], cluster: ClusterSpec) -> None:
    """Raises BadInput for placeholders that nothing fills in, and for pods that could start on processors not meant for them."""
    processors = {
        processor
        for kind, section in cluster.compute.active()
        for _, nodes in kind.nodes(section)
        for processor in nodes.architectures
    }
    problems = Problems()
    for source in sources:
        for where, name in places(source.object):
            if wrong := not_filled(name, cluster, _FILLED):
                problems.add(source, where, wrong)
        for way, pod in pod_templates(source.object):
            spec = pod["spec"]
            if "arm64" in processors and ARCHITECTURE not in str([spec.get("nodeSelector"), spec.get("affinity")]):
                problems.add(
                    source,
                    (*way, "spec"),
                    f"says nothing of {ARCHITECTURE}, and the cluster has nodes with arm64: name in nodeSelector the processors its"
                    " images are for",
                )
    problems.raise_found()
