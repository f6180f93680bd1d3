"""The programs of a local Kubernetes: which there are, and those that are here already, in a folder that is named or in the cache."""

import functools
import hashlib
import os
import platform
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safe_io import yaml_file
from safe_io.errors import BadInput

HERE = Path(__file__).parent
BUILD = HERE / "build"
PARTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd", "kwok")
VARIABLE = "KUBEBUILDER_ASSETS"
"""The convention of envtest for a folder with kube-apiserver and etcd. https://book.kubebuilder.io/reference/envtest"""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Programs:
    """A folder with the programs of one version.

    Attributes:
        folder: where they are, by the names in PARTS.
        missing: which of PARTS it lacks; envtest's folders have no controller manager, no scheduler and no kwok.
    """

    folder: Path
    missing: tuple[str, ...]

    def path(self, name: str) -> Path:
        """Returns the path of a program. Raises BadInput if the folder lacks it."""
        if name in self.missing:
            raise BadInput(f"{self.folder}: has no {name}. {how_to_get()}")
        return self.folder / name


@functools.cache
def table() -> Mapping[str, Any]:
    """Returns versions, addresses and sums (programs.yaml)."""
    data: Mapping[str, Any] = yaml_file.load(HERE / "programs.yaml")
    return data


def minors() -> tuple[str, ...]:
    """Returns the minor versions that can be had, oldest first."""
    return tuple(table()["versions"])


def releases(minor: str) -> Mapping[str, str]:
    """Returns the exact releases for a minor version. Raises BadInput if there is none."""
    try:
        found: Mapping[str, str] = table()["versions"][minor]
    except KeyError:
        raise BadInput(f"Kubernetes {minor} cannot be run here; there is {', '.join(minors())}") from None
    return found


def how_to_get() -> str:
    """Returns the sentence that says how to get the programs."""
    return "`python -m local_kubernetes programs` gets them: it needs Go, or a way to dl.k8s.io and github.com"


def find(minor: str) -> Programs | None:
    """Returns the programs that are here already, without getting any: those of KUBEBUILDER_ASSETS, or of the cache."""
    if named := os.environ.get(VARIABLE):
        return in_folder(Path(named))
    folder = cache_folder(minor)
    return in_folder(folder) if folder.is_dir() else None


def cache() -> Path:
    """Returns the person's cache. https://specifications.freedesktop.org/basedir-spec/latest/"""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def cache_folder(minor: str) -> Path:
    """Returns the place in the person's cache for exactly these versions and sums: a change uses another folder."""
    asked = hashlib.sha256(repr(sorted(releases(minor).items())).encode())
    for file in sorted(
        [*BUILD.glob("*/go.*"), *BUILD.glob(f"kubernetes/{minor}/go.*"), *BUILD.glob("kubernetes/*.go")]
    ):
        asked.update(file.read_bytes())
    return (
        cache()
        / "eks-platform"
        / "kubernetes"
        / f"{releases(minor)['kubernetes']}-{machine()}-{asked.hexdigest()[:12]}"
    )


def machine() -> str:
    """Returns the processor in the words of Go and of release files. Raises BadInput on other systems than Linux."""
    names = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
    if platform.system() != "Linux" or platform.machine() not in names:
        raise BadInput(
            f"The control plane of Kubernetes is released for Linux alone; this is {platform.system()} {platform.machine()}"
        )
    return names[platform.machine()]


def in_folder(folder: Path) -> Programs:
    """Returns the programs in a folder. Raises BadInput if the two that every use needs are not there."""
    missing = tuple(name for name in PARTS if not shutil.which(name, path=str(folder)))
    if "kube-apiserver" in missing or "etcd" in missing:
        raise BadInput(f"{VARIABLE}={folder}: has no {missing[0]}. {how_to_get()}")
    return Programs(folder, missing)
