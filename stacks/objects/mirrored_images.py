"""Points the images of Kubernetes objects at the mirrors of their registries."""

from collections.abc import Sequence

from eks_constructs.manifests import KubernetesObject
from eks_constructs.registries import Registries
from stacks.objects.pods import containers, pod_templates


def use_mirrors(objects: Sequence[KubernetesObject], rules: Registries) -> dict[str, str]:
    """Writes the mirror's address of each image into its container; returns the original addresses by the new ones."""
    changed: dict[str, str] = {}
    for item in objects:
        for _, container in (one for _, pod in pod_templates(item) for one in containers(pod)):
            written = str(container["image"])
            source = rules.image(written)
            if source.rule and source.reference != written:
                container["image"] = source.reference
                changed[source.reference] = written
    return changed
