"""Lets the images of Kubernetes objects come from what stands in for their registries."""

from collections.abc import Sequence

from eks_constructs.manifests import KubernetesObject
from eks_constructs.registries import Registries
from stacks.objects.pods import containers, pod_templates


def use_mirrors(objects: Sequence[KubernetesObject], rules: Registries) -> dict[str, str]:
    """Writes the address of what stands in for an image's registry into its container; returns what was written before, by the new one."""
    changed: dict[str, str] = {}
    for item in objects:
        for _, container in (one for _, pod in pod_templates(item) for one in containers(pod)):
            written = str(container["image"])
            source = rules.image(written)
            if source.rule and source.reference != written:
                container["image"] = source.reference
                changed[source.reference] = written
    return changed
