"""Each object by itself: the Kubernetes schemas of the cluster's version, strict, and those of custom kinds."""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema
from referencing import Registry, Resource

from eks_facts import files as files_of_facts
from eks_facts.cluster_apis import group_of
from kubernetes_lint.definitions import CustomKind, known_kinds, rule_problems, structural_problems
from kubernetes_lint.facts import load
from kubernetes_lint.index import kubernetes_groups
from kubernetes_lint.objects import KubernetesObject, at
from kubernetes_lint.problem import LATER, Found, Problems, open_text
from safe_io.where import Where, shown


def problems(item: KubernetesObject, version: str, custom: Mapping[str, CustomKind]) -> Problems:
    """Yields what an API server of ``version`` would refuse of an object, as far as schemas say."""
    for key in ("apiVersion", "kind"):
        if not isinstance(item.get(key), str):
            yield Found((key,), "is missing, or no text: every Kubernetes object has one")
            return
    key = f"{item['apiVersion']}/{item['kind']}"
    kind = custom.get(key) or known_kinds().get(key)
    if kind:
        yield from _errors(item, kind.validator, "", certain=not kind.ours)
        yield from rule_problems(item, kind)
        yield from _metadata(item, version)
        return
    kinds = Kinds.of(version)
    validator = kinds.validator(key)
    if validator:
        found = list(_errors(item, validator, f" in Kubernetes {version}"))
        yield from found
        if not found:
            yield from _name(item)
            yield from structural_problems(item)
        return
    group = group_of(item)
    if dropped := load("custom_kinds")["retired"].get(item["apiVersion"]):
        now = " or ".join(one.rpartition("/")[0] for one in known_kinds() if one.startswith(f"{group}/"))
        yield Found(("apiVersion",), f"{dropped} dropped {item['apiVersion']}; use {now}")
        return
    served = group in kubernetes_groups() or group in _gone()
    others = kinds.others(item["kind"], group)
    instead = f"; it has {' and '.join(others)}" if others else ""
    yield Found(
        ("apiVersion",),
        f"Kubernetes {version} has no {item['apiVersion']} {item['kind']}{instead}"
        if served
        else f"no CustomResourceDefinition of {item['apiVersion']} {item['kind']} was read",
        certain=served,
    )


@cache
def _gone() -> frozenset[str]:
    """API groups that Kubernetes once served."""
    return frozenset(one.partition("/")[0] for one in files_of_facts.load("cluster_apis")["gone"])


class Kinds:
    """The kinds of a Kubernetes version, each with its schema."""

    def __init__(self, version: str) -> None:
        """Reads the schemas of the package kubernetes-validate, and adds the limits that they do not have."""
        folder = files("kubernetes_validate") / "kubernetes-json-schema"
        there = sorted(
            (tuple(map(int, found[1].split("."))), one.name)
            for one in folder.iterdir()
            if (found := re.fullmatch(r"v([\d.]+)-local-strict", one.name))
        )
        wanted = tuple(int(part) for part in re.findall(r"\d+", version)[:2]) or there[-1][0][:2]
        fitting = [name for number, name in there if number[:2] <= wanted] or [there[0][1]]
        text = (folder / fitting[-1] / "_definitions.json").read_text(encoding="utf-8")
        document = json.loads(text)
        _limit(document["$defs"])
        self._base = document["$id"]
        self._registry: Registry[Any] = Resource.from_contents(document) @ Registry()
        self._names: dict[str, str] = {}
        for name, schema in document["$defs"].items():
            for one in schema.get("x-kubernetes-group-version-kind", ()):
                way = f"{one['group']}/{one['version']}" if one["group"] else one["version"]
                self._names[f"{way}/{one['kind']}"] = name
        self._validators: dict[str, Any] = {}

    @classmethod
    def of(cls, version: str) -> "Kinds":
        """Returns the kinds of a version, read once."""
        return _kinds(version)

    def validator(self, key: str) -> Any:
        """Returns what judges objects of APIVERSION/KIND; None: there is no such kind."""
        return self.definition(self._names[key]) if key in self._names else None

    def definition(self, name: str) -> Any:
        """Returns what judges values of a definition."""
        if name not in self._validators:
            schema = {"$ref": f"{self._base}#/$defs/{name}"}
            self._validators[name] = jsonschema.Draft202012Validator(schema, registry=self._registry)
        return self._validators[name]

    def others(self, kind: str, group: str) -> list[str]:
        """Returns the API versions that a kind has; of its own group if there are some."""
        found = [key.rpartition("/")[0] for key in self._names if key.rpartition("/")[2] == kind]
        return [one for one in found if one.rpartition("/")[0] == group] or found


@cache
def _kinds(version: str) -> Kinds:
    return Kinds(version)


def _limit(definitions: dict[str, Any]) -> None:
    """Adds to the schemas what an API server checks besides them."""
    for name, properties in load("limits")["definitions"].items():
        for full in (f"io.k8s.api.{name}", f"io.k8s.{name}"):
            schema = definitions.get(full, {})
            for key, limit in properties.items():
                target = schema if key == "self" else schema.get("properties", {}).get(key)
                if target:
                    _merge(target, limit)


def _merge(schema: dict[str, Any], limit: Mapping[str, Any]) -> None:
    for key, value in limit.items():
        if isinstance(value, Mapping) and isinstance(schema.get(key), dict):
            _merge(schema[key], value)
        else:
            schema[key] = [*value, None] if key == "enum" else value


def _errors(item: Any, validator: Any, of: str, way: Where = (), *, certain: bool = True) -> Problems:
    seen = set()
    try:
        for error in validator.iter_errors(item):
            for found in _said(error, way, of, certain=certain):
                if found not in seen:  # $ref and its siblings may say the same
                    seen.add(found)
                    yield found
    except (jsonschema.exceptions.UnknownType, jsonschema.SchemaError, re.error, TypeError, RecursionError):
        yield Found(way, "cannot be judged: its definition has no schema that can be read", certain=False)


def _said(error: jsonschema.ValidationError, way: Where, of: str, *, certain: bool) -> Iterator[Found]:
    """Yields what an error means, in our words; nothing where the value is filled in later.

    ``certain``: whether a field that the schema does not have is surely wrong, and not only one that looks like another.
    """
    where, value, wanted = (*way, *error.absolute_path), error.instance, error.validator_value
    if open_text(value) and error.validator == "type":
        yield Found(where, LATER, certain=False)
        return
    if open_text(value) or (error.validator in ("anyOf", "oneOf", "not") and _has_open_text(value)):
        return
    if error.validator == "additionalProperties" and isinstance(value, dict) and wanted is False:
        known = error.schema.get("properties", {})
        for key in sorted(key for key in value if key not in known):
            near = difflib.get_close_matches(str(key), known, 1)
            meant = f"; did you mean {near[0]}?" if near else ""
            yield Found((*where, key), f"is not one of its fields{of}{meant}", certain or bool(near))
    elif error.validator == "required":
        for key in wanted:
            if f"'{key}'" == error.message.split(" ", 1)[0]:
                yield Found((*where, key), "is missing")
    elif "propertyNames" in error.absolute_schema_path and isinstance(error.schema, dict):
        yield Found((*where, str(value)), error.schema.get("x-says", f"{value} is not a name that it takes"))
    else:
        yield Found(where, _words(error))


def _words(error: jsonschema.ValidationError) -> str:
    value, wanted = error.instance, error.validator_value
    found = "a list" if isinstance(value, list) else shown(value)
    if error.validator == "type":
        kinds = [wanted] if isinstance(wanted, str) else wanted
        quotes = (
            f'; write it in quotes: "{found}"' if kinds[0] == "string" and not isinstance(value, dict | list) else ""
        )
        names = {"string": "text", "array": "a list", "object": "a mapping", "integer": "a whole number"}
        return f"found {found}; must be {' or '.join(names.get(one, one) for one in kinds if one != 'null')}{quotes}"
    if says := error.schema.get("x-says"):
        return f"found {found}; {says}"
    if error.validator in ("enum", "const"):
        options = wanted if isinstance(wanted, list) else [wanted]
        return f"found {found}; must be {', '.join(str(one) for one in options if one is not None)}"
    if error.validator in ("minimum", "maximum"):
        return f"found {found}; must be at {'least' if error.validator == 'minimum' else 'most'} {wanted}"
    if error.validator == "pattern":
        return f"found {found}; must match {wanted}"
    return error.message if len(error.message) < 200 else f"does not have the shape that {error.validator} asks for"


def _has_open_text(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(_has_open_text, value.values() if isinstance(value, dict) else value))
    return open_text(value)


def _metadata(item: KubernetesObject, version: str) -> Problems:
    """Labels and the name of a custom object: those of every kind."""
    metadata = Kinds.of(version).definition("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
    yield from _errors(item.get("metadata") or {}, metadata, "", ("metadata",))
    yield from _name(item)


_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_ONE_LABEL = ("Namespace", "Service", "StatefulSet")
_FREE = ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
_LONGEST = {"CronJob": 52}
"""Of a CronJob: its Jobs' names are longer."""


def _name(item: KubernetesObject) -> Problems:
    """https://kubernetes.io/docs/concepts/overview/working-with-objects/names/."""
    name, kind = at(item, "metadata", "name", default=""), item["kind"]
    if open_text(name) or (not name and at(item, "metadata", "generateName")) or kind in _FREE:
        return
    one = kind in _ONE_LABEL
    most = _LONGEST.get(kind, 63 if one else 253)
    if not isinstance(name, str) or not (_LABEL if one else _SUBDOMAIN).fullmatch(name):
        rule = f"small letters, digits and -{'' if one else ' and .'}, with a letter or digit at both ends"
        yield Found(("metadata", "name"), f"found {shown(name)}; the name of a {kind} has {rule}")
    elif len(name) > most:
        yield Found(("metadata", "name"), f"has {len(name)} characters; the name of a {kind} has {most} at most")
