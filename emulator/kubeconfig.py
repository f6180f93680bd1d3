"""How people reach the Kubernetes of the local AWS's clusters: one kubeconfig with a context for each of them."""

import json
import os
import ssl
from pathlib import Path
from typing import Any

from local_kubernetes import kubeconfig, programs
from local_kubernetes.client import Client

FOLDER = "kubernetes-"
"""Begins the name of a cluster's folder, below the engine's ``tmp``."""
FILE = "kubeconfig"
"""Of the administrator: in a cluster's folder, and in the local AWS's own for all of them."""


SWITCH = "EMULATOR_KUBERNETES"
"""``off`` in a person's environment: clusters get no control plane, though its programs are here."""


def wanted() -> bool:
    """Whether clusters are to have a control plane: the programs of a version are here. Raises BadInput: a named folder has none."""
    return os.environ.get(SWITCH) != "off" and any(complete(programs.find(minor)) for minor in programs.minors())


def complete(found: programs.Programs | None) -> bool:
    """Whether these are all the programs of a control plane."""
    return found is not None and not {*found.missing} - {"kwok"}


def clusters(home: Path) -> dict[str, Path]:
    """Returns the kubeconfig of each cluster that has a Kubernetes, by the cluster's name."""
    found = sorted(home.glob(f"tmp/{FOLDER}*/{FILE}"))
    return {path.parent.name.removeprefix(FOLDER): path for path in found}


def write(home: Path) -> Path | None:
    """Writes one kubeconfig for all clusters, with their names as contexts; returns its path, or None: none has a Kubernetes."""
    parts: dict[str, list[Any]] = {"clusters": [], "users": [], "contexts": []}
    for name, path in clusters(home).items():
        content = json.loads(path.read_text())
        parts["clusters"].append({"name": name, "cluster": content["clusters"][0]["cluster"]})
        parts["users"].append({"name": name, "user": content["users"][0]["user"]})
        parts["contexts"].append({"name": name, "context": {"cluster": name, "user": name}})
    if not parts["clusters"]:
        return None
    file = home / FILE
    current = parts["contexts"][0]["name"]
    kubeconfig.write(file, **parts, current=current)
    return file


def client(path: Path) -> Client:
    """Returns the administrator of a cluster, by its kubeconfig, beside which its certificates are."""
    content = json.loads(path.read_text())
    trust = ssl.create_default_context(cafile=str(path.with_name("ca.crt")))
    trust.load_cert_chain(path.with_name("admin.crt"), path.with_name("admin.key"))
    return Client(content["clusters"][0]["cluster"]["server"], trust)
