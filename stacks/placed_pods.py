"""Puts a placement into pods: node selector, tolerations, labels for Fargate, images for the nodes' processors."""

from collections.abc import Mapping

from eks_constructs.manifests import KubernetesObject
from eks_constructs.spec import Misplaced
from safe_io.where import Where
from safe_io.yaml_file import YamlFile
from stacks.cluster_spec import ClusterSpec
from stacks.images import FILE, images
from stacks.placement import Placement, drawn_by
from stacks.pods import containers, pod_template
from stacks.problems import did_you_mean

_ARCH = "kubernetes.io/arch"


def place_pod(item: KubernetesObject, placement: Placement, cluster: ClusterSpec, file: YamlFile) -> None:
    """Changes the pod that an object is or makes, if it does, so that it runs where it is placed and nowhere else.

    Raises:
        BadInput: what its file says contradicts the placement, or names an image that is not known.
        Misplaced: Fargate would take it from where it is placed, or its images are not made for the processors there.
    """
    if not (found := pod_template(item)):
        return
    way, pod = found
    labels = pod.setdefault("metadata", {}).setdefault("labels", {})
    _add(labels, placement.pod_labels, (*way, "metadata", "labels"), placement, file)
    selector = dict(placement.node_selector)
    architectures = set(placement.architectures)
    for where, container in containers(pod):
        architectures &= set(_use_image(container, (*way, *where, "image"), file))
    if not architectures:
        raise Misplaced(
            f"{item['kind']} {item['metadata']['name']} has images that are not made for"
            f" {' or '.join(placement.architectures)}, which is what its nodes have ({FILE.parent.name}/{FILE.name})",
            "nodes" if placement.spec.nodes else "compute",
        )
    if architectures != set(placement.architectures):
        selector[_ARCH] = min(architectures)
    if selector:
        _add(pod["spec"].setdefault("nodeSelector", {}), selector, (*way, "spec", "nodeSelector"), placement, file)
    if placement.tolerations:
        given = pod["spec"].setdefault("tolerations", [])
        given += [dict(one) for one in placement.tolerations if one not in given]
    if placement.spec.compute != "fargate" and (profile := drawn_by(placement.namespace, labels, cluster)):
        raise Misplaced(
            f"the Fargate profile {profile} takes the pods of {item['kind']} {item['metadata']['name']} in namespace"
            f" {placement.namespace}, before any node can; choose another namespace",
            "namespace" if placement.spec.namespace else "compute",
        )


def _add(given: dict[str, str], wanted: Mapping[str, str], where: Where, placement: Placement, file: YamlFile) -> None:
    for key, value in wanted.items():
        if given.setdefault(key, value) != value:
            file.fail(
                (*where, key),
                f"found {given[key]}; on {placement.spec.compute} it must be {value}: take it out, it is filled in",
            )


def _use_image(container: dict[str, object], where: Where, file: YamlFile) -> list[str]:
    """Writes the image's whole name into a container; returns the processors it is made for."""
    name = container.get("image")
    if not isinstance(name, str):
        file.fail(where, "is missing, or no text")
    if "/" in name or ":" in name:
        return ["amd64", "arm64"]
    known = images()
    if name not in known:
        file.fail(
            where,
            f"there is no image {name} in {FILE.parent.name}/{FILE.name}.{did_you_mean(name, list(known))}"
            f" There is: {', '.join(known)}",
        )
    container["image"] = known[name].reference
    return list(known[name].architectures)
