"""Workloads that a test writes, in a folder of their own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from stacks.objects.rendering import PlacedWorkload, placed_workloads
from tests.support.environments import minimal, validated


def namespace(name: str) -> str:
    return f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n"


def text_of(content: str | dict | list) -> str:
    """YAML of objects; text as it is."""
    if isinstance(content, str):
        return content
    return yaml.safe_dump_all(content if isinstance(content, list) else [content], sort_keys=False)


class Workloads:
    """A folder in place of workloads/."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(
        self, name: str, files: Mapping[str, Any] | list | None = None, *, bare: bool = False, **says: Any
    ) -> Path:
        """Writes a workload: ``files`` by their names below its folder, or the objects of base/all.yaml.

        ``says``: what workload.yaml says beside what and kinds. It has a Namespace unless it is ``bare``.
        """
        folder = self.folder / name
        description = {"what": "A test", "kinds": ["auto_mode", "managed_nodes", "fargate"], **says}
        files = files if isinstance(files, Mapping) else {"base/all.yaml": files or []}
        if not bare:
            files = {"base/namespace.yaml": namespace(name), **files}
        for path, content in {"workload.yaml": description, **files}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text_of(content))
        return folder

    def placed(
        self, *workloads: str | dict, compute: dict | None = None, region: str | None = None, **cluster: Any
    ) -> list[PlacedWorkload]:
        """The workloads of a cluster; a name alone goes to Auto Mode."""
        specs = [one if isinstance(one, dict) else {"name": one, "compute": "auto_mode"} for one in workloads]
        data = minimal(compute, workloads=specs, **cluster)
        environment = validated(data | ({"region": region} if region else {}))
        return placed_workloads(environment.clusters[0], environment)

    def objects(self, *workloads: str | dict, **how: Any) -> list[dict]:
        """Their objects."""
        return [item for one in self.placed(*workloads, **how) for item in one.objects]
