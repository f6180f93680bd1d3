"""What makes CloudFormation replace a resource, and what a replacement or removal loses.

The rules come from the resource schemas that cfn-lint ships. Its package is not imported (that takes longer than a
review): the files are read where they lie. `providers/REGION.json` names, for each resource type, the file in
`resources/` that holds its schema.
"""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from responsibility.reading.template import BadSource
from responsibility.reading.values import Reference, Unknown

PropertyPath = tuple[str, ...]
"""Names of properties from the outside inwards; the items of a list are not a step of their own."""

_REGION = "us-east-1"
"""The region whose schemas are read: every resource type is there, and create-only properties do not differ."""
_PREFIX = "/properties/"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the schema of a resource type says about updates."""

    create_only: frozenset[PropertyPath]
    """A change of these replaces the resource."""
    may_replace: frozenset[PropertyPath]
    """A change of these replaces it under conditions that the schema does not tell."""
    identifier: tuple[PropertyPath, ...]
    """The properties that are its physical id, which ``Ref`` gives; empty = AWS makes the id up."""
    unordered: frozenset[str]
    """Lists among its properties whose order means nothing."""


def rules(kind: str) -> Rules | None:
    """Returns the rules of a resource type; None = they are not published: custom resources, private types.

    Raises BadSource if cfn-lint is not installed.
    """
    # What a custom resource does on a change is the business of the function behind it.
    if kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource":
        return None
    return _read(kind)


def create_only(kind: str) -> frozenset[PropertyPath]:
    """Returns the properties of a resource type whose change replaces it; none where that is not known."""
    found = rules(kind)
    return found.create_only if found else frozenset()


@cache
def _folder() -> Path:
    spec = importlib.util.find_spec("cfnlint")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "data" / "schemas"
        if (folder / "providers" / f"{_REGION}.json").is_file():
            return folder
    raise BadSource(
        "a comparison needs the resource schemas of cfn-lint, and they are not installed; "
        "`pip install -r requirements.txt` installs them"
    )


@cache
def _files() -> dict[str, str]:
    files: dict[str, str] = json.loads((_folder() / "providers" / f"{_REGION}.json").read_bytes())
    return files


@cache
def _read(kind: str) -> Rules | None:
    file = _files().get(kind)
    if file is None:
        return None
    schema = json.loads((_folder() / "resources" / f"{file}.json").read_bytes())
    given_by_aws = set(schema.get("readOnlyProperties") or [])
    identifier = schema.get("primaryIdentifier") or []
    return Rules(
        create_only=_paths(schema, "createOnlyProperties"),
        may_replace=_paths(schema, "conditionalCreateOnlyProperties"),
        identifier=() if given_by_aws.intersection(identifier) else tuple(_path(item) for item in identifier),
        unordered=frozenset(
            name for name, value in (schema.get("properties") or {}).items() if value.get("insertionOrder") is False
        ),
    )


def _paths(schema: dict[str, Any], key: str) -> frozenset[PropertyPath]:
    return frozenset(_path(item) for item in schema.get(key) or [])


def _path(pointer: str) -> PropertyPath:
    """``/properties/A/B/*/C`` as ``("A", "B", "C")``."""
    return tuple(step for step in pointer.removeprefix(_PREFIX).split("/") if step != "*")


def value_at(properties: Any, path: PropertyPath) -> Any:
    """Returns the value at a path; of lists on the way, the list of their items' values; None = there is nothing."""
    value = properties
    for position, step in enumerate(path):
        if isinstance(value, list):
            found = [value_at(item, path[position:]) for item in value]
            return found if any(item is not None for item in found) else None
        if not isinstance(value, dict):
            # Of an object that is not known, neither are the properties.
            return value if isinstance(value, Unknown | Reference) else None
        value = value.get(step)
    return value


@dataclass(frozen=True, slots=True)
class Loss:
    """What a resource holds that goes when it goes."""

    what: str
    copy_helps: bool
    """Whether a retained or snapshotted one still has it. Of what only works in its place (a cluster that others
    reach, a network around others), a copy left behind is no help to those who use it.
    """


LOSSES: dict[str, Loss] = {
    "AWS::EKS::Cluster": Loss("every Kubernetes object in it, its endpoint and its OIDC issuer", copy_helps=False),
    "AWS::EKS::Nodegroup": Loss("its nodes: every pod on them moves, data on their volumes goes", copy_helps=False),
    "AWS::EKS::FargateProfile": Loss("the pods that it runs: EKS deletes them with the profile", copy_helps=False),
    "AWS::AutoScaling::AutoScalingGroup": Loss("its instances, and data on their volumes", copy_helps=False),
    "AWS::EC2::VPC": Loss("the network of everything in it", copy_helps=False),
    "AWS::EC2::Subnet": Loss("the network of nodes, endpoints and load balancers", copy_helps=False),
    "AWS::KMS::Key": Loss("the key: what it encrypted cannot be read any more", copy_helps=True),
    "AWS::KMS::ReplicaKey": Loss("the key: what it encrypted cannot be read any more", copy_helps=True),
    "AWS::EC2::Volume": Loss("the data on it", copy_helps=True),
    "AWS::EFS::FileSystem": Loss("the files in it", copy_helps=True),
    "AWS::FSx::FileSystem": Loss("the files in it", copy_helps=True),
    "AWS::FSx::Volume": Loss("the files in it", copy_helps=True),
    "AWS::S3::Bucket": Loss("the objects in it", copy_helps=True),
    "AWS::Logs::LogGroup": Loss("the logs in it", copy_helps=True),
    "AWS::ECR::Repository": Loss("the images in it", copy_helps=True),
    "AWS::SecretsManager::Secret": Loss("the secret, unless it is in the template", copy_helps=True),
    "AWS::Backup::BackupVault": Loss("the backups in it", copy_helps=True),
    "AWS::APS::Workspace": Loss("the metrics in it", copy_helps=True),
    "AWS::RDS::DBInstance": Loss("the database", copy_helps=True),
    "AWS::RDS::DBCluster": Loss("the database", copy_helps=True),
    "AWS::DynamoDB::Table": Loss("the items in it", copy_helps=True),
    "AWS::DynamoDB::GlobalTable": Loss("the items in it", copy_helps=True),
    "AWS::ElastiCache::ReplicationGroup": Loss("what is cached or kept in it", copy_helps=True),
    "AWS::OpenSearchService::Domain": Loss("the indices in it", copy_helps=True),
    "Namespace": Loss("every object in it", copy_helps=False),
    "PersistentVolumeClaim": Loss("the volume, where its storage class deletes it", copy_helps=False),
    "CustomResourceDefinition": Loss("every object of its kind", copy_helps=False),
}
"""What a removal or replacement loses, by resource type. Single EC2 instances are left out: nothing here keeps data on
one, and a new image replaces them every few weeks, so that a warning would soon be read over.
"""
