"""Kubernetes objects as files: one object a file, one folder a stage, each with the kustomization.yaml that lists them."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import yaml

from delivery.object_kind import KubernetesObject
from delivery.order import in_stages
from safe_io.errors import BadInput
from safe_io.terminal import one_line

KUSTOMIZATION = "kustomization.yaml"

KEPT = ("Namespace", "CustomResourceDefinition", "PersistentVolume", "PersistentVolumeClaim")
"""Kinds that stay in the cluster when they leave the tree: what else is in them, or on them, would go too."""

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


def component(objects: Sequence[KubernetesObject], change: Change = lambda _, item: item) -> dict[str, str]:
    """Returns the files of a component by their paths: STAGE/KIND-NAME.yaml, and a kustomization.yaml in each folder.

    Raises BadInput: a Secret with data is among the objects.
    """
    files: dict[str, str] = {}
    stages = in_stages(objects)
    files[KUSTOMIZATION] = kustomization(stages)
    for stage, items in stages.items():
        names = _names(items)
        files[f"{stage}/{KUSTOMIZATION}"] = kustomization(names)
        for name, item in zip(names, items, strict=True):
            _refuse_secret(item)
            files[f"{stage}/{name}"] = text(change(stage, item))
    return files


def _names(items: Sequence[KubernetesObject]) -> list[str]:
    """Returns a file name for each object. It stays the same as long as kind, name and namespace do."""
    short = [_plain(f"{item['kind']}-{item['metadata']['name']}") for item in items]
    often = Counter(short)
    return [
        f"{name}.yaml"
        if often[name] == 1
        else f"{_plain('-'.join((name, item['metadata'].get('namespace') or item['apiVersion'])))}.yaml"
        for name, item in zip(short, items, strict=True)
    ]


def annotated(item: KubernetesObject, annotations: Mapping[str, str]) -> KubernetesObject:
    """Returns an object with more annotations; its own come first."""
    metadata = {**item["metadata"], "annotations": {**annotations, **(item["metadata"].get("annotations") or {})}}
    return {**item, "metadata": metadata}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9.-]+", "-", name.lower())


def _refuse_secret(item: KubernetesObject) -> None:
    if item["kind"] == "Secret" and item["apiVersion"] == "v1" and (item.get("data") or item.get("stringData")):
        where = "/".join(filter(None, (item["metadata"].get("namespace"), item["metadata"]["name"])))
        raise BadInput(
            one_line(
                f"Secret {where} has values, and whoever reads a Git repository reads them. Keep it in AWS Secrets Manager, and let"
                " the External Secrets operator or the add-on aws-secrets-store-csi-driver-provider bring it (docs/gitops.md)"
            )
        )
