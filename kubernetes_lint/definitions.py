"""Custom kinds: those of CustomResourceDefinitions in the input, and the ones that EKS and its controllers bring."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from typing import Any

import jsonschema

from kubernetes_lint.facts import load
from kubernetes_lint.objects import KubernetesObject, at, of_kind
from kubernetes_lint.problem import Found, Problems
from safe_io.where import Where

_OBJECT = {"apiVersion": {}, "kind": {}, "metadata": {"type": "object"}}


class CustomKind:
    """A version of a custom kind."""

    def __init__(self, schema: Mapping[str, Any], *, ours: bool = False) -> None:
        """Takes the schema of its objects, closed: a field that it does not name would be dropped, or refused.

        ``ours``: we wrote it by the pages that describe the kind, and a field may be newer than that.
        """
        self.schema, self.ours = schema, ours

    @cached_property
    def validator(self) -> Any:
        """What judges its objects."""
        return jsonschema.Draft202012Validator(self.schema)


@cache
def known_kinds() -> Mapping[str, CustomKind]:
    """Returns the kinds that EKS, Karpenter, the AWS Load Balancer Controller and the Gateway API bring, by APIVERSION/KIND."""
    data = load("custom_kinds")
    return {
        key: CustomKind(
            {
                "type": "object",
                "required": ["metadata", "spec"],
                "properties": {**_OBJECT, "spec": spec, "status": {}},
                "additionalProperties": False,
                "definitions": data["definitions"],
            },
            ours=True,
        )
        for key, spec in data["kinds"].items()
    }


def schemas_of(objects: Sequence[KubernetesObject]) -> Mapping[str, CustomKind]:
    """Returns the kinds that the CustomResourceDefinitions among objects define; odd ones are left out."""
    found = {}
    for item in of_kind(objects, "CustomResourceDefinition"):
        for version in _listed(at(item, "spec", "versions")):
            schema = at(version, "schema", "openAPIV3Schema")
            key = f"{at(item, 'spec', 'group')}/{at(version, 'name')}/{at(item, 'spec', 'names', 'kind')}"
            if isinstance(schema, Mapping) and not list(_not_structural(schema, ())):
                closed = _closed(schema)
                closed["properties"] = {**_OBJECT, **closed.get("properties", {})}
                found[key] = CustomKind(closed)
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    result = {key: value for key, value in schema.items() if key != "default"}
    if isinstance(result.get("properties"), Mapping):
        result["properties"] = {key: _closed(part) for key, part in result["properties"].items()}
        if not result.get("x-kubernetes-preserve-unknown-fields"):
            result.setdefault("additionalProperties", False)
    for key in ("items", "additionalProperties"):
        if isinstance(result.get(key), Mapping):
            result[key] = _closed(result[key])
    if result.get("nullable") and isinstance(result.get("type"), str):
        result["type"] = [result["type"], "null"]
    if result.get("x-kubernetes-embedded-resource"):
        result["properties"] = {**_OBJECT, **result.get("properties", {})}
    return result


_VERSIONS = ("spec", "versions")


def structural_problems(item: KubernetesObject) -> Problems:
    """Yields what makes a definition's schema not structural, and what contradicts itself in the definition.

    https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
    """
    if item.get("kind") != "CustomResourceDefinition":
        return
    spec = item["spec"]
    name = f"{at(spec, 'names', 'plural')}.{spec.get('group')}"
    if at(item, "metadata", "name") != name:
        yield Found(("metadata", "name"), f"must be {name}: the plural and the group")
    stored = [one for one in spec["versions"] if one.get("storage")]
    if len(stored) != 1:
        yield Found(("spec", "versions"), f"{len(stored)} of its versions have storage: true; exactly one must")
    for index, version in enumerate(spec["versions"]):
        way: Where = (*_VERSIONS, index, "schema", "openAPIV3Schema")
        schema = at(version, "schema", "openAPIV3Schema")
        if schema is None:
            yield Found((*_VERSIONS, index, "schema"), "is missing: each version needs a structural schema")
        else:
            yield from _not_structural(schema, way)


def _not_structural(schema: Any, way: Where) -> Problems:
    if not isinstance(schema, Mapping):
        yield Found(way, "is not a schema, but a mapping")
        return
    free = schema.get("x-kubernetes-int-or-string") or schema.get("x-kubernetes-preserve-unknown-fields")
    if not schema.get("type") and not free:
        yield Found(way, "has no type: the schema is not structural, and the API server refuses it")
    yield from _not_allowed(schema, way)
    for key, part in (schema.get("properties") or {}).items():
        yield from _not_structural(part, (*way, "properties", key))
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), Mapping):
            yield from _not_structural(schema[key], (*way, key))


def _not_allowed(schema: Mapping[str, Any], way: Where) -> Problems:
    if schema.get("$ref"):
        yield Found((*way, "$ref"), "is not allowed in the schema of a CustomResourceDefinition; write the schema out")
    if schema.get("properties") and schema.get("additionalProperties"):
        yield Found((*way, "additionalProperties"), "excludes properties; take one of the two out")
    if schema.get("uniqueItems"):
        yield Found((*way, "uniqueItems"), "must not be true; use x-kubernetes-list-type: set")
    if schema.get("type") == "array" and "items" not in schema:
        yield Found(way, "is an array without items")
    for key in ("allOf", "anyOf", "oneOf"):
        for index, part in enumerate(_listed(schema.get(key))):
            for banned in {"description", "default", "additionalProperties", "nullable"} & set(part or ()):
                yield Found((*way, key, index, banned), f"is not allowed inside of {key}")


def rule_problems(item: KubernetesObject, kind: CustomKind) -> Problems:
    """Yields the rules in CEL that an object breaks (x-kubernetes-validations of its definition).

    Rules that compare with the object as it was are for updates, and are not asked; neither are those with functions that
    only Kubernetes has.
    https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules
    """
    rules = list(_rules(kind.schema, item, ()))
    if not rules:
        return
    import cel  # only for who has rules

    for way, value, rule in rules:
        text = str(rule.get("rule", ""))
        if "oldSelf" in text or "${" in str(value):
            continue
        try:
            fine = cel.evaluate(text, {"self": value})
        except (KeyError, RuntimeError, ValueError, TypeError):  # KeyError: the rule reads a field that is missing
            continue
        if fine is False:
            yield Found(way, f"breaks a rule of its kind: {rule.get('message') or text}")


def _rules(schema: Any, value: Any, way: Where) -> Iterator[tuple[Where, Any, Mapping[str, Any]]]:
    if not isinstance(schema, Mapping) or value is None:
        return
    for rule in _listed(schema.get("x-kubernetes-validations")):
        if isinstance(rule, Mapping):
            yield way, value, rule
    if isinstance(value, Mapping):
        properties = schema.get("properties") or {}
        for key, part in value.items():
            yield from _rules(properties.get(key, schema.get("additionalProperties")), part, (*way, str(key)))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _rules(schema.get("items"), part, (*way, index))
