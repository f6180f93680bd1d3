"""Turns resources into the one shape that facts read: CloudFormation's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from responsibility.reading.intrinsics import Scope, World
from responsibility.reading.partly_known import filled, part, revived, without_marks, written
from responsibility.reading.placeholders import is_placeholder
from responsibility.reading.resource import Resource
from responsibility.reading.sources import ManifestFile
from responsibility.reading.template import BadSource, Keys, Template, parse
from responsibility.reading.values import Reference, Unknown, Unread
from safe_io.where import Where

_OLD_CDK = {
    "Custom::AWSCDK-EKS-Cluster": "AWS::EKS::Cluster",
    "Custom::AWSCDK-EKS-FargateProfile": "AWS::EKS::FargateProfile",
}
"""The custom resources of ``aws_eks``: their property ``Config`` is the request to the EKS API."""
_QUICK_START_CLUSTER = "AWSQS::EKS::Cluster"
"""The cluster of the AWS Quick Starts: the native one, but for its logs and its lines of aws-auth."""
MANIFESTS = ("Custom::AWSCDK-EKS-KubernetesResource", "AWSQS::Kubernetes::Resource")
CHARTS = ("Custom::AWSCDK-EKS-HelmChart", "AWSQS::Kubernetes::Helm")
CHART_FILE = "Helm::Chart"
"""A chart that helm installs from a file next to an assembly, not from a function in the account."""


def from_template(template: Template, world: World) -> Iterator[Resource]:
    """Yields the resources of a stack that exist, or may exist."""
    scope = world.scopes[template.name]
    around = _stands(template, world)
    if around is None:
        return
    for logical_id, raw in scope.resources.items():
        holds = _holds(scope, raw)
        if holds is None:
            continue
        conditional = holds or around
        yield _resource(template, scope, logical_id, raw, conditional)


def _holds(scope: Scope, raw: dict[str, Any]) -> str | None:
    """Returns why it is not known whether a resource exists; empty: it does; None: it does not."""
    if "Condition" not in raw:
        return ""
    holds = scope.condition(str(raw["Condition"]))
    if isinstance(holds, Unknown):
        return holds.reason
    return "" if holds else None


def _stands(template: Template, world: World) -> str | None:
    """Returns why it is not known whether a nested stack exists; empty: it does; None: it does not."""
    if not template.parent:
        return ""
    scope = world.scopes[template.parent[0]]
    holds = _holds(scope, scope.resources[template.parent[1]])
    if holds is None:
        return None
    above = _stands(scope.template, world)
    return None if above is None else holds or above


def _resource(template: Template, scope: Scope, logical_id: str, raw: dict[str, Any], conditional: str) -> Resource:
    properties = scope.value(raw.get("Properties") or {})
    if not isinstance(properties, dict):
        properties = Unread(properties) if isinstance(properties, Unknown) else {}
    kind = raw["Type"]
    wrapped: Literal["", "Config"] = ""
    if kind in _OLD_CDK:
        kind, wrapped = _OLD_CDK[kind], "Config"
        config = properties.get("Config")
        # Who creates it, and as whom, is next to the request.
        beside = {key: properties[key] for key in ("ServiceToken", "AssumeRoleArn") if key in properties}
        properties = {**(from_api(kind, config) if isinstance(config, dict) else {}), **beside}
    if kind == _QUICK_START_CLUSTER:
        kind = "AWS::EKS::Cluster"
        types = properties.get("EnabledClusterLoggingTypes")
        if types is not None and "Logging" not in properties:
            on = [{"Type": name} for name in types] if isinstance(types, list) else types
            properties["Logging"] = {"ClusterLogging": {"EnabledTypes": on}}
    depends = raw.get("DependsOn") or []
    return Resource(
        stack=template.name,
        id=logical_id,
        type=kind,
        properties=properties,
        template=template,
        wrapped=wrapped,
        deletion_policy=str(scope.value(raw.get("DeletionPolicy")) or "Delete"),
        update_policy=updates if isinstance(updates := scope.value(raw.get("UpdatePolicy")), dict) else {},
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
        found = {_upper(str(key)): item if key in _AS_WRITTEN else _pascal(item) for key, item in value.items()}
        return Unread(value[""], found) if isinstance(value, Unread) else found
    return [_pascal(item) for item in value] if isinstance(value, list) else value


def objects_of(resource: Resource) -> Iterator[Resource]:
    """Yields the Kubernetes objects inside a custom resource, with the cluster's name or reference."""
    if resource.type in MANIFESTS:
        items = [item for item, _ in _objects(_manifest(resource.maybe("Manifest")))]
        cluster = resource.properties.get("ClusterName")
    elif resource.type == "AWS::EKS::Cluster" and isinstance(access := resource.maybe("KubernetesApiAccess"), dict):
        items, cluster = [_aws_auth(access)], Reference(resource.stack, resource.id)
    else:
        return
    for item in items:
        if isinstance(item.get("kind"), str):
            yield Resource(
                stack=resource.stack,
                id=resource.id,
                type=item["kind"],
                properties=item,
                template=resource.template,
                belongs_to=cluster,
            )


def _manifest(value: Any) -> Any:
    """Returns the objects of a manifest: JSON, as the CDK writes it, or YAML."""
    if not isinstance(value, str):
        return value
    try:
        return revived(parse(without_marks(value), "a manifest"))
    except BadSource:
        return None


def _aws_auth(access: dict[str, Any]) -> dict[str, Any]:
    """Returns the ConfigMap that the cluster of the AWS Quick Starts keeps."""
    data: dict[str, Any] = {}
    for name, goal, key in (("Roles", "mapRoles", "rolearn"), ("Users", "mapUsers", "userarn")):
        lines = [item for item in _list(access.get(name)) if isinstance(item, dict)]
        data[goal] = [{key: item.get("Arn"), "groups": item.get("Groups")} for item in lines]
    return {"kind": "ConfigMap", "metadata": {"name": "aws-auth", "namespace": "kube-system"}, "data": data}


def objects_in(file: ManifestFile) -> Iterator[Resource]:
    """Yields the objects of a file, or the chart that helm installs from it."""
    if file.file.endswith(".helm.json"):
        for told in file.objects:
            properties = {_upper(str(key)): value for key, value in told.items()}
            yield Resource(
                stack=f"manifests/{file.cluster}",
                id=str(told.get("name", "chart")),
                type=CHART_FILE,
                properties={**properties, "Release": told.get("name")},
                template=Template("", file.file, {"Resources": {}}, ""),
                belongs_to=file.cluster or None,
            )
        return
    keys = Keys(file.text, file.file)
    for item, (number, *within) in _objects(_placeholders(file.objects)):
        if isinstance(item.get("kind"), str):
            metadata = item.get("metadata")
            metadata = metadata if isinstance(metadata, dict) else {}
            where = "/".join(str(part) for part in (metadata.get("namespace"), metadata.get("name")) if part)
            yield Resource(
                stack=f"manifests/{file.cluster}" if file.cluster else "manifests",
                id=f"{item['kind']}/{where}",
                type=item["kind"],
                properties=item,
                template=Template(
                    "",
                    file.file,
                    {"Resources": {}},
                    file.text,
                    number=file.numbers[int(number)] if file.numbers else int(number),
                    within=tuple(within),
                    keys=keys,
                ),
                belongs_to=file.cluster or None,
            )


def _placeholders(value: Any) -> Any:
    """Returns the objects of a file with what a delivery fills in (``${AWS::Region}``) as what a template's text has there.

    Where a key is filled in later, every key that is not there is unknown.
    """
    if isinstance(value, dict):
        found = {key: _placeholders(item) for key, item in value.items() if not is_placeholder(key)}
        if hidden := next(filter(is_placeholder, value), None):
            return Unread(Unknown(f"{hidden[:60]} may be it, which is filled in later"), found)
        return found
    if isinstance(value, list):
        return [_placeholders(item) for item in value]
    if isinstance(value, str):
        return filled(written(value), lambda inside: part(inside) if inside.startswith("AWS::") else None, "${", "}")
    return value


def _objects(value: Any, where: Where = ()) -> Iterator[tuple[dict[str, Any], Where]]:
    """Yields the objects of a list, or of an object of kind List or IngressList, and where each is."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _objects(item, (*where, number))
    elif isinstance(value, dict) and value.get("kind") == "List":
        yield from _objects(value.get("items"), (*where, "items"))
    elif isinstance(value, dict) and str(value.get("kind")).endswith("List") and isinstance(value.get("items"), list):
        # What an API server gives: its items may leave out what the list says of them all.
        of = {"apiVersion": value.get("apiVersion"), "kind": str(value["kind"]).removesuffix("List")}
        for number, item in enumerate(value["items"]):
            yield from _objects({**of, **item} if isinstance(item, dict) else item, (*where, "items", number))
    elif isinstance(value, dict):
        yield value, where
