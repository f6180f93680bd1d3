"""Cluster-level Kubernetes objects, as one ordered set of files per cluster: classes of nodes, storage and ingress, log router."""

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """Writes repeated values in full: anchors are hard to read."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Writes text of several lines as a block."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)

KubernetesObject = dict[str, Any]
"""An object of the Kubernetes API, as its YAML has it."""


@dataclass(frozen=True)
class ManifestFile:
    """One file: objects that belong together. Files are applied in the order of their names."""

    order: int
    name: str
    objects: Sequence[KubernetesObject]
    note: str
    """What the objects are for; a comment in the file."""
    keep: bool = False
    """They stay in the cluster when they leave the file, because something else, such as an EKS add-on, then owns them."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    """Placeholders in the objects, and the outputs of the workloads' stack with their values."""

    @property
    def filename(self) -> str:
        """NN-NAME.yaml."""
        return f"{self.order:02d}-{self.name}.yaml"

    def text(self) -> str:
        """Returns the file's YAML."""
        body = yaml.dump_all(
            self.objects, Dumper=_Dumper, sort_keys=False, default_flow_style=False, explicit_start=True, width=120
        )
        note = "\n".join(f"# {line}" for line in textwrap.wrap(self.note, 118))
        return f"{note}\n{body}"


@dataclass(frozen=True)
class HelmChart:
    """A controller that helm installs, in its order among the files. It is never rendered here: charts may generate keys."""

    order: int
    name: str
    """Of the release."""
    namespace: str
    repository: str
    """An address that begins with https:// or oci://."""
    chart: str
    version: str
    values: Mapping[str, Any]
    note: str
    """Its purpose."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    """Placeholders in the values, and the outputs of the workloads' stack with their values."""
    images: Mapping[str, str] | None = None
    """Values that name its images, and the repositories that they have by default; None: those of reach.yaml, if it is there."""

    @property
    def in_public_ecr(self) -> bool:
        """Returns whether it comes from Amazon ECR Public."""
        return self.repository.startswith("oci://public.ecr.aws/")

    @property
    def filename(self) -> str:
        """NN-NAME.helm.json."""
        return f"{self.order:02d}-{self.name}.helm.json"

    def text(self) -> str:
        """Returns the file's JSON: the release for helm."""
        said = ("name", "namespace", "repository", "chart", "version", "note", "values")
        return json.dumps({key: getattr(self, key) for key in said}, indent=2) + "\n"


def write_manifests(folder: Path, files: Sequence[ManifestFile | HelmChart]) -> None:
    """Writes the files into ``folder``, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        (folder / file.filename).write_text(file.text(), encoding="utf-8")


def storage_class(
    name: str,
    *,
    provisioner: str,
    default: bool,
    only_on_auto_mode: bool = False,
    tags: Mapping[str, str] | None = None,
) -> KubernetesObject:
    """Returns a StorageClass for encrypted gp3 volumes, made in the AZ of the pod that first mounts them.

    https://docs.aws.amazon.com/eks/latest/userguide/create-storage-class.html
    """
    metadata: KubernetesObject = {"name": name}
    if default:
        metadata["annotations"] = {"storageclass.kubernetes.io/is-default-class": "true"}
    result: KubernetesObject = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": metadata,
        "provisioner": provisioner,
        "parameters": {
            "type": "gp3",
            "encrypted": "true",
            **{
                f"tagSpecification_{number}": f"{key}={value}"
                for number, (key, value) in enumerate((tags or {}).items(), 1)
            },
        },
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
        "reclaimPolicy": "Delete",
    }
    if only_on_auto_mode:
        # Draws pods with such a volume to Auto Mode nodes: its driver runs nowhere else.
        term = {"key": "eks.amazonaws.com/compute-type", "values": ["auto"]}
        result["allowedTopologies"] = [{"matchLabelExpressions": [term]}]
    return result
