"""Loads an :class:`Environment` from YAML, or fails with one message that says what is wrong and where."""

import os
from datetime import date
from functools import reduce
from pathlib import Path
from typing import Any

from eks_constructs.spec import Misplaced
from safe_io.errors import BadInput
from safe_io.layers import Layered
from safe_io.where import Where, said_as, shown
from safe_io.yaml_file import YamlFile
from stacks.controllers import charts_of
from stacks.environment.cluster_spec import LockFile
from stacks.environment.existing_cluster import ExistingClusterSpec
from stacks.environment.model import Environment
from stacks.environment.path import FOLDER, environment_path
from stacks.environment.reachability import unreachable
from stacks.environment.validating import MAX_PROBLEMS, validated
from stacks.environment.workload_spec import MAX_PATH
from stacks.objects.linting import refuse_unsound
from stacks.objects.plain import plain_manifests
from stacks.objects.pod_security_groups import check_pod_interfaces
from stacks.objects.rendering import placed_workloads

__all__ = ["BadInput", "environment_path", "load_environment", "load_lock"]


MAX_WORKLOADS = 1_000
"""Of all clusters of a file. Each is rendered on every read, which takes about 10 ms."""


def load_environment(path: Path, *, today: date | None = None) -> Environment:
    """Reads an environment file, with what it extends (safe_io/layers.py).

    Args:
        path: the YAML file.
        today: the day for support dates; default: today.

    Raises:
        BadInput: the file is wrong.
    """
    document = Layered(path)
    environment = validated(
        document, Environment, {"today": today, "existing": _looked_up(document), "paths": _paths(document)}
    )
    workloads = sum(len(cluster.workloads) for cluster in environment.clusters)
    if workloads > MAX_WORKLOADS:
        document.fail(
            ("clusters",), f"have {workloads:,} workloads in all; at most {MAX_WORKLOADS:,} (bound: workloads)"
        )
    lock = load_lock(path)
    for cluster in environment.clusters:
        try:
            cluster.unchecked_settings(lock)
        except Misplaced as problem:
            way = environment.where(cluster, *problem.where)
            found: Any = reduce(lambda part, key: part[key], way, document.data)
            document.fail(way, f"found {shown(found)}; {problem}")
        try:
            placed = placed_workloads(cluster, environment)
            plain = plain_manifests(cluster, environment)
            charts_of(cluster, environment)
            check_pod_interfaces(cluster, environment, placed, plain)
        except Misplaced as problem:
            document.fail(problem.where, str(problem))
        refuse_unsound([*placed, *plain], cluster)
    check_reach(environment, document)
    return environment.said_as(said_as(path, FOLDER))


def _looked_up(document: Layered) -> dict[str, ExistingClusterSpec]:
    """Returns the clusters that exist, by the file of each. Raises BadInput."""
    clusters = document.data.get("clusters") if isinstance(document.data, dict) else None
    found = {}
    for index, cluster in enumerate(clusters if isinstance(clusters, list) else []):
        file = cluster.get("existing") if isinstance(cluster, dict) else None
        if not isinstance(file, str):
            continue
        place = document.path_of(("clusters", index, "existing")).parent / file
        if not place.is_file():
            document.fail(
                ("clusters", index, "existing"),
                f'found "{file}"; there is no file {place}. Write it: python -m operations look-up {cluster.get("name")}'
                f" --file {place}",
            )
        found[file] = validated(YamlFile(place), ExistingClusterSpec)
    return found


def _paths(document: Layered) -> dict[str, Path]:
    """Returns the files and folders that clusters name, by what they are called there: from the file that says so. Raises BadInput."""
    clusters = document.data.get("clusters") if isinstance(document.data, dict) else None
    found: dict[str, Path] = {}
    for index, cluster in enumerate(clusters if isinstance(clusters, list) else []):
        parts = cluster if isinstance(cluster, dict) else {}
        manifests, workloads = parts.get("manifests"), parts.get("workloads")
        named: list[tuple[Where, object]] = [
            (("clusters", index, "manifests", place), text)
            for place, text in enumerate(manifests if isinstance(manifests, list) else [])
        ]
        named += [
            (("clusters", index, "workloads", place, "folder"), one.get("folder"))
            for place, one in enumerate(workloads if isinstance(workloads, list) else [])
            if isinstance(one, dict)
        ]
        bundle = ("compute", "hybrid_nodes", "credentials", "iam_roles_anywhere", "ca_bundle")
        written: Any = parts
        for key in bundle:
            written = written.get(key) if isinstance(written, dict) else None
        if isinstance(written, str) and "BEGIN CERTIFICATE" not in written:
            named.append((("clusters", index, *bundle), written))
        for where, text in named:
            if not isinstance(text, str) or not text or len(text) > MAX_PATH or "\0" in text:
                continue
            path = Path(os.path.normpath(document.path_of(where).parent / text))
            is_folder = where[-1] == "folder"
            if not (os.path.isdir(path) if is_folder else os.path.exists(path)):
                document.fail(
                    where, f'found "{text}"; there is no {"folder" if is_folder else "file or folder"} {path}'
                )
            if found.setdefault(text, path) != path:
                document.fail(
                    where, f'found "{text}", which means {found[text]} elsewhere; write one of the two another way'
                )
    return found


def check_reach(environment: Environment, document: YamlFile) -> None:
    """Raises BadInput for what a cluster needs and its network does not reach."""
    found = sorted(document.message(one.where, f": {one.text}") for one in unreachable(environment))
    if lines := list(dict.fromkeys(text for _, text in found)):
        more = [f"... and {len(lines) - MAX_PROBLEMS} more"] if len(lines) > MAX_PROBLEMS else []
        raise BadInput("\n".join([*lines[:MAX_PROBLEMS], *more]))


def load_lock(path: Path) -> LockFile | None:
    """Reads the add-on lock file of the environment at ``path``, if there is one. Raises BadInput."""
    lock = path.with_name(f"{path.stem}.lock.yaml")
    return validated(YamlFile(lock), LockFile) if lock.is_file() else None
