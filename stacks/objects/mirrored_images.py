"""Lets the images of Kubernetes objects come from what stands in for their registries."""

from collections.abc import Sequence

from eks_constructs.manifests import KubernetesObject
from eks_constructs.registries import Registries
from stacks.objects.pods import containers, pod_template


def use_mirrors(objects: Sequence[KubernetesObject], rules: Registries) -> dict[str, str]:
    """Writes the address of what stands in for an image's registry into its container; returns what was written before, by the new one."""
    changed: dict[str, str] = {}
    for item in objects:
        found = pod_template(item)
        for _, container in containers(found[1]) if found else ():
            written = str(container["image"])
            source = rules.image(written)
            if source.rule and source.reference != written:
                container["image"] = source.reference
                changed[source.reference] = written
    return changed
