"""Applies a placement to pods: node selector, tolerations, labels for Fargate, images for the nodes' processors."""

from collections.abc import Mapping, Sequence
from typing import Any

from eks_constructs.compute.placement import Nodes
from eks_constructs.manifests import KubernetesObject
from eks_constructs.spec import Misplaced
from eks_facts.node_selection import ARCHITECTURE, keeps_off
from safe_io.where import Where
from safe_io.yaml_file import YamlFile
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.problems import did_you_mean
from stacks.objects.images import FILE, images
from stacks.objects.pods import containers, pod_templates
from stacks.placement.fitting import fitting_nodes
from stacks.placement.kinds import Placement, drawn_by

_PROCESSORS = ("amd64", "arm64")
"""As Kubernetes names those that nodes of EKS have."""


def place_pod(
    item: KubernetesObject,
    placement: Placement,
    cluster: ClusterSpec,
    file: YamlFile,
    objects: Sequence[KubernetesObject] = (),
) -> None:
    """Changes the pods of an object so that they run where the workload is placed and nowhere else; ``objects``: all of it.

    Raises:
        BadInput: the file contradicts the placement, or names an unknown image.
        Misplaced: a Fargate profile would take the pod, or its images do not fit the processors.
    """
    for way, pod in pod_templates(item):
        labels = pod.setdefault("metadata", {}).setdefault("labels", {})
        _add(labels, placement.pod_labels, (*way, "metadata", "labels"), placement, file)
        found_nodes, tolerations = fitting_nodes(item, (way, pod), placement, cluster, file, objects)
        selector = dict(placement.node_selector)
        if processor := _processor(item, pod, way, found_nodes, placement, file):
            selector[ARCHITECTURE] = processor
        if selector:
            _add(pod["spec"].setdefault("nodeSelector", {}), selector, (*way, "spec", "nodeSelector"), placement, file)
        if tolerations := [*placement.tolerations, *tolerations]:
            given = pod["spec"].setdefault("tolerations", [])
            given += [dict(one) for one in tolerations if one not in given]
        drawn = drawn_by(placement.namespace, labels, cluster)
        if drawn and drawn[0].name != placement.spec.compute:
            raise Misplaced(
                f"the {drawn[0].nodes_are} {drawn[1]} takes the pods of {item['kind']} {item['metadata']['name']} in namespace"
                f" {placement.namespace}, before any node can; choose another namespace",
                "namespace" if placement.spec.namespace else "compute",
            )


def _add(given: dict[str, str], wanted: Mapping[str, str], where: Where, placement: Placement, file: YamlFile) -> None:
    for key, value in wanted.items():
        if given.setdefault(key, value) != value:
            file.fail(
                (*where, key),
                f"found {given[key]}; on {placement.spec.compute} it must be {value}: remove it, it is filled in",
            )


def _processor(
    item: KubernetesObject,
    pod: dict[str, Any],
    way: Where,
    nodes: Mapping[str, Nodes],
    placement: Placement,
    file: YamlFile,
) -> str | None:
    """Writes the images' whole names into a pod; returns the processor to choose, if its nodes have another that will not do."""
    have = {one for found in nodes.values() for one in found.architectures}
    fit = {one for one in have if keeps_off(pod["spec"], ARCHITECTURE, {one}) is None}
    if field := keeps_off(pod["spec"], ARCHITECTURE, have):
        file.fail(
            (*way, "spec", *field),
            f"asks for another processor than its nodes have: {', '.join(nodes)} with {' and '.join(sorted(have))}",
        )
    demands = any(keeps_off(pod["spec"], ARCHITECTURE, {one}) for one in _PROCESSORS)
    for where, container in containers(pod):
        made_for = _use_image(container, (*way, *where, "image"), file)
        if made_for is None and not demands:
            # The architecture of a full image name is unknown; most images are x86.
            made_for = ["amd64"]
            if "amd64" not in fit:
                file.fail(
                    (*way, *where, "image"),
                    f"found {container['image']}: nothing says that it is made for {' or '.join(sorted(have))}, which is what its"
                    f" nodes have. Add it to {FILE.parent.name}/{FILE.name} with its architectures, or, if it is, say so in the"
                    f" pod: nodeSelector: {{{ARCHITECTURE}: arm64}}",
                )
        fit &= set(made_for or fit)
    if not fit:
        raise Misplaced(
            f"{item['kind']} {item['metadata']['name']} has images that are not made for {' or '.join(sorted(have))},"
            f" which is what its nodes have ({FILE.parent.name}/{FILE.name})",
            "nodes" if placement.spec.nodes else "compute",
        )
    return min(fit) if fit != have else None


def _use_image(container: dict[str, object], where: Where, file: YamlFile) -> list[str] | None:
    """Writes the image's full name into a container; returns its processors, None if unknown."""
    name = container.get("image")
    if not isinstance(name, str):
        file.fail(where, "is missing, or no text")
    if "/" in name or ":" in name:
        return None
    known = images()
    if name not in known:
        file.fail(
            where,
            f"there is no image {name} in {FILE.parent.name}/{FILE.name}.{did_you_mean(name, list(known))}"
            f" There is: {', '.join(known)}",
        )
    container["image"] = known[name].reference
    return list(known[name].architectures)
