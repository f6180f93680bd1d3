"""Kubernetes objects as files: one object a file, one folder a stage, each with the kustomization.yaml that lists them."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import yaml

from delivery.gitops.secrets import refuse_secrets
from delivery.object_kind import KubernetesObject
from delivery.order import in_stages

KUSTOMIZATION = "kustomization.yaml"

KEPT = ("Namespace", "CustomResourceDefinition", "PersistentVolume", "PersistentVolumeClaim")
"""Kinds that stay in the cluster when they leave the tree: what else is in them, or on them, would go too."""

_LONGEST = 150
"""Characters of an object's name in that of its file: file systems take 255, and names of Kubernetes have up to 253."""

_LABEL = 63
"""Characters of the value of a label."""

Change = Callable[[str, KubernetesObject], KubernetesObject]
"""What an engine adds to an object: the stage, the object -> the object."""


class _Dumper(yaml.SafeDumper):
    """Writes repeated values in full, and text of several lines as a block."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def text(*documents: Mapping[str, Any]) -> str:
    """Returns YAML, a document after the other."""
    found = yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, default_flow_style=False, width=120)
    return str(found)


def kustomization(resources: Iterable[str]) -> str:
    """Returns a kustomization.yaml that lists files and folders, in this order."""
    return text(
        {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": list(resources)}
    )


def component(
    objects: Sequence[KubernetesObject], change: Change = lambda _, item: item, namespace: str | None = None
) -> dict[str, str]:
    """Returns the files of a component by their paths: STAGE/KIND-NAME.yaml, and a kustomization.yaml in each folder.

    Objects of another namespace than ``namespace``, which is that of the component, have it in the names of their files.

    Raises BadInput: a Secret with data is among the objects, or a secret in plain text.
    """
    files: dict[str, str] = {}
    stages = in_stages(objects)
    files[KUSTOMIZATION] = kustomization(stages)
    for stage, items in stages.items():
        names = _names(items, namespace)
        files[f"{stage}/{KUSTOMIZATION}"] = kustomization(names)
        for name, item in zip(names, items, strict=True):
            refuse_secrets(item)
            files[f"{stage}/{name}"] = text(change(stage, item))
    return files


def _names(items: Sequence[KubernetesObject], namespace: str | None) -> list[str]:
    """Returns a file name for each object. It is of the object alone, so it stays when something else comes or goes."""
    found = [_name(item, namespace) for item in items]
    often = Counter(found)  # only one kind in two API groups, with one name
    return [
        f"{name}.yaml" if often[name] == 1 else f"{name}-{_digest(item['apiVersion'])}.yaml"
        for name, item in zip(found, items, strict=True)
    ]


def _name(item: KubernetesObject, namespace: str | None) -> str:
    metadata = item["metadata"]
    said = f"{item['kind'].lower()}-{metadata['name']}"
    name = _plain(said)
    if name != said or len(name) > _LONGEST:  # system:a and system-a are two
        name = f"{name[:_LONGEST]}-{_digest(said)}"
    own = metadata.get("namespace")
    return f"{name}.{own}" if own and own != namespace else name


def _digest(text_: str) -> str:
    return hashlib.sha256(text_.encode()).hexdigest()[:8]


def annotated(item: KubernetesObject, annotations: Mapping[str, str]) -> KubernetesObject:
    """Returns an object with more annotations; its own come first."""
    metadata = {**item["metadata"], "annotations": {**annotations, **(item["metadata"].get("annotations") or {})}}
    return {**item, "metadata": metadata}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9.-]+", "-", name.lower())


def labelled(name: str) -> str:
    """Returns a name that fits into a label: Argo CD and Flux label what they apply with the name of their own object.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
    """
    return name if len(name) <= _LABEL else f"{name[: _LABEL - 9].rstrip('-.')}-{_digest(name)}"
