"""Resources as they are written, turned into the one shape that facts read: CloudFormation's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

from responsibility.facts.intrinsics import Scope, World
from responsibility.facts.resource import Resource
from responsibility.facts.sources import ManifestFile
from responsibility.facts.template import Template
from responsibility.facts.values import Unknown

_OLD_CDK = {
    "Custom::AWSCDK-EKS-Cluster": "AWS::EKS::Cluster",
    "Custom::AWSCDK-EKS-FargateProfile": "AWS::EKS::FargateProfile",
}
"""The custom resources of ``aws_eks``: their property ``Config`` is the request to the EKS API."""
MANIFESTS = ("Custom::AWSCDK-EKS-KubernetesResource", "AWSQS::Kubernetes::Resource")
CHARTS = ("Custom::AWSCDK-EKS-HelmChart", "AWSQS::Kubernetes::Helm")


def from_template(template: Template, world: World) -> Iterator[Resource]:
    """Yields the resources of a stack that exist, or may exist."""
    scope = world.scopes[template.name]
    for logical_id, raw in scope.resources.items():
        conditional = ""
        if "Condition" in raw:
            holds = scope.condition(str(raw["Condition"]))
            if holds is False:
                continue
            conditional = holds.reason if isinstance(holds, Unknown) else ""
        yield _resource(template, scope, logical_id, raw, conditional)


def _resource(template: Template, scope: Scope, logical_id: str, raw: dict[str, Any], conditional: str) -> Resource:
    properties = scope.value(raw.get("Properties") or {})
    if not isinstance(properties, dict):
        properties = {}
    kind = raw["Type"]
    wrapped: Literal["", "Config"] = ""
    if kind in _OLD_CDK:
        kind, wrapped = _OLD_CDK[kind], "Config"
        config = properties.get("Config")
        # Who makes it, and as whom, stand beside the request.
        beside = {key: properties[key] for key in ("ServiceToken", "AssumeRoleArn") if key in properties}
        properties = {**(from_api(kind, config) if isinstance(config, dict) else {}), **beside}
    depends = raw.get("DependsOn") or []
    return Resource(
        stack=template.name,
        id=logical_id,
        type=kind,
        properties=properties,
        template=template,
        wrapped=wrapped,
        deletion_policy=str(raw.get("DeletionPolicy", "Delete")),
        update_policy=raw.get("UpdatePolicy") or {},
        depends_on=tuple(depends) if isinstance(depends, list) else (str(depends),),
        conditional=conditional,
    )


def from_api(kind: str, answer: dict[str, Any]) -> dict[str, Any]:
    """Returns what the EKS API (or a custom resource that calls it) says, as properties of the CloudFormation type."""
    properties: dict[str, Any] = _pascal(answer)
    if kind == "AWS::EKS::Cluster" and isinstance(logging := properties.get("Logging"), dict):
        # The API: [{enabled, types}]; CloudFormation: {EnabledTypes: [{Type}]}.
        entries = [entry for entry in _list(logging.get("ClusterLogging")) if isinstance(entry, dict)]
        on = [name for entry in entries if entry.get("Enabled") for name in _list(entry.get("Types"))]
        properties["Logging"] = {"ClusterLogging": {"EnabledTypes": [{"Type": name} for name in on]}}
    for selector in _list(properties.get("Selectors")):
        # A Fargate profile's. The API: {key: value}; CloudFormation: [{Key, Value}].
        if isinstance(selector, dict) and isinstance(labels := selector.get("Labels"), dict):
            selector["Labels"] = [{"Key": key, "Value": value} for key, value in labels.items()]
    return properties


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


_AS_WRITTEN = {"labels", "tags"}
"""Mappings whose keys are the customer's own."""


def _upper(key: str) -> str:
    return key[:1].upper() + key[1:]


def _pascal(value: Any) -> Any:
    if isinstance(value, dict):
        return {_upper(str(key)): item if key in _AS_WRITTEN else _pascal(item) for key, item in value.items()}
    return [_pascal(item) for item in value] if isinstance(value, list) else value


def objects_of(resource: Resource) -> Iterator[Resource]:
    """Yields the Kubernetes objects inside a custom resource; the cluster's name or reference is kept beside them."""
    manifest = resource.maybe("Manifest")
    if isinstance(manifest, str):
        try:
            manifest = json.loads(manifest)
        except ValueError:
            return
    for item in _objects(manifest):
        if isinstance(item.get("kind"), str):
            yield Resource(
                stack=resource.stack,
                id=resource.id,
                type=item["kind"],
                properties=item,
                template=resource.template,
                belongs_to=resource.properties.get("ClusterName"),
            )


def objects_in(file: ManifestFile) -> Iterator[Resource]:
    """Yields the objects of a file."""
    for item in _objects(file.objects):
        if isinstance(item.get("kind"), str):
            metadata = item.get("metadata")
            metadata = metadata if isinstance(metadata, dict) else {}
            where = "/".join(str(part) for part in (metadata.get("namespace"), metadata.get("name")) if part)
            yield Resource(
                stack=f"manifests/{file.cluster}" if file.cluster else "manifests",
                id=f"{item['kind']}/{where}",
                type=item["kind"],
                properties=item,
                template=Template("", file.file, {"Resources": {}}, ""),
                belongs_to=file.cluster or None,
            )


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yields the objects of a list, or of an object of kind List."""
    if isinstance(value, list):
        for item in value:
            yield from _objects(item)
    elif isinstance(value, dict) and value.get("kind") == "List":
        yield from _objects(value.get("items"))
    elif isinstance(value, dict):
        yield value
