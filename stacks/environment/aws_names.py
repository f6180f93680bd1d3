"""Names of AWS: regions, partitions, EC2 instance types. They come from botocore, so its release decides what is known."""

import gzip
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import botocore  # type: ignore[import-untyped]

from eks_facts.files import load
from eks_facts.instances import auto_mode_problem, labels_of
from eks_facts.labels import meets
from stacks.environment.problems import did_you_mean


def region_problem(name: str) -> str:
    """Returns what is wrong with the name of a region; nothing if AWS has it."""
    return "" if name in _partitions() else _unknown(name, "a region of AWS", list(_partitions()))


def partition_of(region: str) -> str:
    """Returns the partition of a region, such as ``aws-cn``. Raises KeyError."""
    return _partitions()[region]


def instance_type_problem(name: str) -> str:
    """Returns what is wrong with the name of an EC2 instance type; nothing if EC2 has it, with Linux or Windows."""
    if re.match(load("instance_families")["without_linux"], name):
        return f"{name} runs macOS alone, and EKS has no such nodes; choose another"
    return "" if name in _instance_types() else _unknown(name, "an EC2 instance type", sorted(_instance_types()))


def pool_problem(requirements: Sequence[Mapping[str, Any]], *, auto_mode: bool) -> str:
    """Returns why no instance type meets the requirements of a node pool together; nothing if one does.

    What the names of types say is read: memory, devices and the like are not.
    """
    domain = "eks.amazonaws.com" if auto_mode else "karpenter.k8s.aws"
    told = labels_of("", domain)
    asked = [one for one in requirements if one["key"] in told]
    for name in sorted(_instance_types()):
        if auto_mode and auto_mode_problem(name):
            continue
        labels = labels_of(name, domain)
        if all(meets(one, labels[one["key"]]) for one in asked):
            return ""
    words = "; ".join(" ".join([one["key"], one["operator"], *one.get("values", [])]) for one in asked)
    return (
        f"no instance type{' that Auto Mode launches' if auto_mode else ''} meets them all: {words}; change one of them"
    )


def category_problem(name: str) -> str:
    """Returns what is wrong with a category of instance types, the letters before the generation; nothing if EC2 has it."""
    known = sorted({match[0] for one in _instance_types() if (match := re.match("[a-z]+", one))})
    return "" if name in known else f"{name} is not a category of EC2 instance types; there is: {', '.join(known)}"


def _unknown(name: str, what: str, known: Sequence[str]) -> str:
    return (
        f"{name} is not {what}.{did_you_mean(name, known)}"
        f" (If it is newer than botocore {version('botocore')}, raise boto3 in pyproject.toml)"
    )


def _data(*names: str) -> Path:
    return Path(botocore.__file__).parent.joinpath("data", *names)


@cache
def _partitions() -> dict[str, str]:
    """Returns the partition of each region."""
    partitions: list[dict[str, Any]] = json.loads(_data("partitions.json").read_bytes())["partitions"]
    # Beside regions there are endpoints without one: aws-global.
    return {region: one["id"] for one in partitions for region in one["regions"] if not region.endswith("-global")}


@cache
def _instance_types() -> frozenset[str]:
    """Returns the instance types that EC2's API model lists."""
    (file,) = sorted(_data("ec2").glob("*/service-2.json.gz"))[-1:]
    model = gzip.decompress(file.read_bytes())
    # The model has 4 MB; to read all of it as JSON takes three times as long as to find one list.
    if found := re.search(rb'"InstanceType":\{\s*"type":"string",\s*"enum":(\[[^]]*\])', model):
        return frozenset(json.loads(found[1]))
    return frozenset(json.loads(model)["shapes"]["InstanceType"]["enum"])
