"""Environments as templates and files, through the CDK. What was made of the same sources before is taken from there (``kept``)."""

import json
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.environments import ROOT, environment_data, validated
from tests.support.kept import kept
from tests.support.templates import Templates

if TYPE_CHECKING:
    from stacks.platform import Platform


def build_platform(environment: Any, outdir: Path, *, staging: bool = False, **options: Any) -> "Platform":
    """Synthesises without checks and, unless ``staging``, the files that only a deploy needs; returns the platform."""
    import aws_cdk as cdk

    from stacks.platform import build

    context = {**json.loads((ROOT / "cdk.json").read_text())["context"], "aws:cdk:disable-asset-staging": not staging}
    app = cdk.App(
        context=context, outdir=str(outdir), analytics_reporting=False, builtin_cloud_formation_validation=False
    )
    platform = build(app, environment, **options)
    app.synth()
    return platform


@dataclass(frozen=True)
class Assembly:
    """What an environment is synthesised to, beside its Kubernetes objects in ``manifests/``."""

    folder: Path
    """Not to be changed: others read it, too."""

    @property
    def templates(self) -> Templates:
        """By the name of the stack, in the order of deployment."""
        names = json.loads((self.folder.parent / "stacks.json").read_text())
        return {name: json.loads((self.folder / f"{name}.template.json").read_text()) for name in names}

    @property
    def files(self) -> dict[str, dict[str, str]]:
        """Text of the Kubernetes objects, by cluster and file name."""
        return {
            cluster.name: {file.name: file.read_text() for file in sorted(cluster.iterdir())}
            for cluster in sorted(self.folder.glob("manifests/*"))
        }

    def copy(self, folder: Path) -> Path:
        """Copies it, for a test that changes it; returns the folder."""
        return Path(shutil.copytree(self.folder, folder, dirs_exist_ok=True))


def assembled(data: dict[str, Any] | str, *, keep: bool = True, **options: Any) -> Assembly:
    """The assembly of environment data, or of a shipped environment. ``keep``: false where a test patches what makes it."""
    data = environment_data(data) if isinstance(data, str) else data
    environment = validated(data)

    def make(folder: Path) -> None:
        platform = build_platform(environment, folder / "assembly", **options)
        platform.write_manifests(folder / "assembly/manifests")
        platform.write_handouts(folder / "assembly")
        (folder / "stacks.json").write_text(json.dumps([stack.stack_name for stack in platform.stacks]))

    return Assembly(kept(f"assembly {json.dumps(data)} {sorted(options.items())!r}", make, keep=keep) / "assembly")


@dataclass(frozen=True)
class Shipped:
    """What a shipped environment is synthesised to."""

    environment: Any
    templates: Templates
    """By the name of the stack, in the order of deployment."""
    files: dict[str, dict[str, str]]
    """Text of the Kubernetes objects, by cluster and file name."""


@cache
def shipped(name: str) -> Shipped:
    """The shipped environment ``name``. Not to be changed."""
    made = assembled(name)
    return Shipped(validated(environment_data(name)), made.templates, made.files)
