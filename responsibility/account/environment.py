"""The environment that a lock file belongs to: its file, and whether an assembly was made from it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from responsibility.account.planned import version_of
from responsibility.reading.eks import Cluster
from responsibility.reading.facts import Facts
from responsibility.reading.template import BadSource
from safe_io.errors import BadInput
from safe_io.layers import Layered
from safe_io.where import said_as
from safe_io.yaml_file import load as load_yaml

_OURS = Path(__file__).parents[2] / "environments"
FOLDER = _OURS if _OURS.is_dir() else Path("environments")
"""This project's; where the reviewer alone is installed, that of the folder it is run in."""


def environment_file(env: str) -> Path:
    """Returns the file of ``demo``, or of a path that ends in .yaml. Raises BadSource."""
    file = Path(env) if env.endswith((".yaml", ".yml")) else FOLDER / f"{env}.yaml"
    if not file.is_file():
        names = sorted(path.stem for path in FOLDER.glob("*.yaml") if not path.name.endswith(".lock.yaml"))
        raise BadSource(f"--env {env}: there is no file {file}. There is: {', '.join(names)}, or a path of your own")
    return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file


def file_named(name: str, folder: Path | None = None) -> Path | None:
    """Returns the file, in ``environments/`` or below, of the environment with a name; None: it is elsewhere."""
    folder = folder or FOLDER
    found = [folder / f"{name}.yaml", *sorted(folder.glob("**/*.yaml"))]
    for file in found:
        with suppress(BadInput):
            data = Layered(file).data if file.is_file() and not file.name.endswith(".lock.yaml") else None
            if isinstance(data, dict) and data.get("name") == name and "clusters" in data:
                return file.relative_to(folder.parent)
    return None


def env_of(file: Path) -> str:
    """Returns what `ENV=` takes for a file: the name of one in ``environments/``, or its path."""
    return said_as(file, FOLDER)


def lock_file(environment: Path) -> Path:
    """Returns the lock file that a synth of the environment reads."""
    return environment.with_name(f"{environment.stem}.lock.yaml")


def check_made_from(environment: Path, facts: Facts, assembly: str) -> None:
    """Raises BadSource for an assembly of another environment, or of what this one was earlier."""
    name, wanted = _clusters(environment)
    found = {cluster.resource.stack: version_of(cluster) for cluster in facts.all(Cluster)}
    again = f"Make it with `make synth ENV={env_of(environment)} CHECKS=off`"
    if found.keys() != wanted.keys():
        raise BadSource(
            f"{assembly}: was not made from {environment}: its clusters are in the stacks"
            f" {', '.join(sorted(found)) or '(none)'}, and those of {name} are {', '.join(sorted(wanted))}. {again}"
        )
    for stack, version in wanted.items():
        if found[stack] != version:
            raise BadSource(
                f"{assembly}: was made from an earlier {environment}: {stack} has Kubernetes {found[stack]} there,"
                f" {version} here. {again}"
            )


def is_newer(environment: Path, assembly: str) -> bool:
    """Returns whether an environment was changed after an assembly was made."""
    manifest = Path(assembly) / "manifest.json"
    files = Layered(environment).paths
    return manifest.is_file() and any(file.stat().st_mtime > manifest.stat().st_mtime for file in files)


def _clusters(environment: Path) -> tuple[str, dict[str, str]]:
    """Returns the name of an environment, and the Kubernetes version of each cluster by the name of its stack."""
    document = Layered(environment)
    data: Any = document.data
    try:
        versions = dict(
            _cluster(document.path_of(("clusters", index, "existing")), data["name"], cluster)
            for index, cluster in enumerate(data["clusters"])
        )
    except (KeyError, TypeError):
        raise BadSource(f"{environment}: is not an environment file; `make synth` says what is wrong") from None
    return str(data["name"]), versions


def _cluster(environment: Path, name: str, cluster: Any) -> tuple[str, str]:
    """Returns the stack that shows a cluster, and its Kubernetes version. Raises KeyError, TypeError, BadSource."""
    if "existing" in cluster:
        looked_up: Any = load_yaml(environment.parent / str(cluster["existing"]))
        return f"{name}-compute-{cluster['name']}", str(looked_up["kubernetes_version"])
    return f"{name}-control-plane-{cluster['name']}", str(cluster["control_plane"]["kubernetes_version"])
