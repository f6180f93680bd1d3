"""What tests share: synthesised templates of any environment, fast and without files that only a deploy needs."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from local_kubernetes import programs
from stacks.environment.path import environment_names
from stacks.node import use_pinned_node

use_pinned_node()

pytest_plugins = ["tests.emulator.fixtures"]

ROOT = Path(__file__).parent.parent
ENVIRONMENTS = environment_names()
TODAY = date(2026, 11, 23)
"""The day support dates are held against, so that tests do not age."""

KUBERNETES = programs.find("1.36")
"""The programs of a Kubernetes API server, if this machine has them."""
NEEDS_API_SERVER = pytest.mark.skipif(not KUBERNETES, reason=f"no kube-apiserver and etcd: {programs.how_to_get()}")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")

Template = dict[str, Any]
Templates = dict[str, Template]

SHIPPED = [pytest.param(name, marks=pytest.mark.xdist_group(f"shipped-{name}"), id=name) for name in ENVIRONMENTS]
"""The shipped environments: tests of one share a process, and with it what it was synthesised to (``shipped``)."""


def environment_data(name: str) -> dict[str, Any]:
    """The shipped environment ``name`` as plain data, to be changed and validated."""
    import yaml

    return yaml.safe_load((ROOT / f"environments/{name}.yaml").read_text())


def validated(data: dict[str, Any]):
    from stacks.environment.model import Environment

    return Environment.model_validate_json(json.dumps(data), context={"today": TODAY})


def build_platform(environment: Any, outdir: Path, *, staging: bool = False, **options: Any):
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
class Shipped:
    """What a shipped environment is synthesised to."""

    environment: Any
    templates: Templates
    """By the name of the stack, in the order of deployment."""
    files: dict[str, dict[str, str]]
    """Text of the Kubernetes objects, by cluster and file name."""


@cache
def shipped(name: str) -> Shipped:
    """The shipped environment ``name``, synthesised once in a process. Not to be changed."""
    environment = validated(environment_data(name))
    with TemporaryDirectory() as folder:
        outdir = Path(folder)
        platform = build_platform(environment, outdir)
        platform.write_manifests(outdir / "manifests")
        return Shipped(
            environment,
            {stack.stack_name: json.loads((outdir / stack.template_file).read_text()) for stack in platform.stacks},
            {
                cluster.name: {file.name: file.read_text() for file in sorted(cluster.iterdir())}
                for cluster in sorted(outdir.glob("manifests/*"))
            },
        )


@pytest.fixture
def synth(tmp_path: Path) -> Callable[..., Templates]:
    """Returns a function from environment data (or a shipped environment's name) to templates by stack name."""
    count = iter(range(1000))

    def run(data: dict[str, Any] | str, **options: Any) -> Templates:
        environment = validated(environment_data(data) if isinstance(data, str) else data)
        outdir = tmp_path / f"cdk.out-{next(count)}"
        platform = build_platform(environment, outdir, **options)
        platform.write_manifests(outdir / "manifests")
        return {stack.stack_name: json.loads((outdir / stack.template_file).read_text()) for stack in platform.stacks}

    return run


def of_type(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    """The properties of the resources of one type, by logical id."""
    return {
        key: resource.get("Properties", {})
        for key, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def arguments(value: Any, function: str) -> Iterator[Any]:
    """What an intrinsic function, such as ``Ref``, is given wherever it stands in a part of a template."""
    if isinstance(value, dict):
        if function in value:
            yield value[function]
        for one in value.values():
            yield from arguments(one, function)
    elif isinstance(value, list):
        for one in value:
            yield from arguments(one, function)


def needs(template: Template, logical_id: str) -> set[str]:
    """Everything that CloudFormation makes before a resource: what it refers to and what it depends on, all the way down."""
    found: set[str] = set()
    todo = [logical_id]
    while todo:
        resource = template["Resources"][todo.pop()]
        depends = resource.get("DependsOn", [])
        properties = resource.get("Properties", {})
        direct = set([depends] if isinstance(depends, str) else depends) | set(arguments(properties, "Ref"))
        direct |= {
            one[0] if isinstance(one, list) else one.split(".")[0] for one in arguments(properties, "Fn::GetAtt")
        }
        new = (direct & set(template["Resources"])) - found
        found |= new
        todo += new
    return found


def only(template: Template, kind: str) -> dict[str, Any]:
    """The properties of the one resource of a type."""
    (properties,) = of_type(template, kind).values()
    return properties


def minimal(compute: dict[str, Any] | None = None, **cluster: Any) -> dict[str, Any]:
    """A small valid environment with one cluster named ``c``; Auto Mode unless ``compute`` says otherwise."""
    return {
        "name": "t",
        "network": {"cidr": "10.0.0.0/16", "availability_zones": 2, "nat": "one"},
        "clusters": [
            {
                "name": "c",
                "control_plane": {"kubernetes_version": "1.36"},
                "access": {"admins": [{"new_role": "admin"}]},
                "compute": compute or {"auto_mode": {}},
                **cluster,
            }
        ],
    }


NODES = {"groups": [{"name": "general", "instance_types": ["m7i.large"], "min_size": 2, "max_size": 3}]}
FARGATE = {"profiles": [{"name": "apps", "selectors": [{"namespace": "apps"}]}]}
