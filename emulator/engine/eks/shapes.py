"""EKS's API as botocore describes it: which request is which operation, and CloudFormation's properties in the API's words."""

import base64
import json
import re
import urllib.parse
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

import botocore.session  # type: ignore[import-untyped]
from botocore.model import OperationModel, ServiceModel, Shape  # type: ignore[import-untyped]
from botocore.validate import ParamValidator  # type: ignore[import-untyped]

Parameters = dict[str, Any]


@cache
def model() -> ServiceModel:
    """Returns botocore's model of EKS."""
    return botocore.session.get_session().get_service_model("eks")


@cache
def _routes() -> list[tuple[str, re.Pattern[str], OperationModel]]:
    """Method, pattern and operation of each route, the most literal ones first."""
    routes = []
    for name in model().operation_names:
        operation = model().operation_model(name)
        path = str(operation.http["requestUri"]).split("?")[0]
        # An ARN in a path holds slashes, which some clients do not escape.
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(path).replace(r"\-", "-"))
        literal = len(re.sub(r"\{\w+\}", "", path))
        routes.append((literal, str(operation.http["method"]), re.compile(f"{pattern}/?"), operation))
    routes.sort(key=lambda route: -route[0])
    return [(method, pattern, operation) for _, method, pattern, operation in routes]


def parse(
    method: str, path: str, query: Mapping[str, list[str]], body: Mapping[str, Any]
) -> tuple[str, Parameters] | None:
    """Returns the operation's name and its parameters, or None where EKS has no such route."""
    for candidate, pattern, operation in _routes():
        found = pattern.fullmatch(path) if candidate == method else None
        if found is None:
            continue
        parameters: Parameters = {}
        shape = operation.input_shape
        for name, member in shape.members.items() if shape else ():
            place = member.serialization.get("location")
            wire = member.serialization.get("name", name)
            if place == "uri":
                parameters[name] = urllib.parse.unquote(found[wire])
            elif place == "querystring" and wire in query:
                parameters[name] = _from_query(member, query[wire])
            elif place is None and wire in body:
                parameters[name] = body[wire]
        return operation.name, parameters
    return None


def _from_query(shape: Shape, values: list[str]) -> Any:
    if shape.type_name == "list":
        return values
    if shape.type_name in ("integer", "long"):
        return int(values[0])
    return values[0].lower() == "true" if shape.type_name == "boolean" else values[0]


def invalid(operation: str, parameters: Mapping[str, Any]) -> str:
    """Returns what is wrong with the types of ``parameters``, or nothing."""
    shape = model().operation_model(operation).input_shape
    if shape is None:
        return ""
    unknown = [name for name in parameters if name not in shape.members]
    report = ParamValidator().validate(parameters, shape)
    if unknown:
        return f"Unknown parameter: {', '.join(unknown)}"
    return str(report.generate_report()) if report.has_errors() else ""


def answer(operation: str, content: Mapping[str, Any]) -> bytes:
    """Returns the body of an answer: the members that the API has, and no others; times as seconds."""
    shape = model().operation_model(operation).output_shape
    return json.dumps(_shaped(content, shape) if shape else {}).encode()


def _shaped(value: Any, shape: Shape) -> Any:
    if shape.type_name == "structure" and isinstance(value, Mapping):
        return {
            name: _shaped(value[name], member) for name, member in shape.members.items() if value.get(name) is not None
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_shaped(item, shape.member) for item in value]
    if isinstance(value, datetime):
        return value.timestamp()
    return value


def from_properties(shape: str, properties: Mapping[str, Any]) -> Parameters:
    """Returns CloudFormation properties in the words of the API's ``shape``, such as ``CreateNodegroupRequest``.

    The names differ in their first letter, tags are a map, and properties the API does not take are left out.
    """
    result = _translated(properties, model().shape_for(shape))
    assert isinstance(result, dict)  # noqa: S101 - properties are a mapping
    return result


def _translated(value: Any, shape: Shape) -> Any:
    if shape.type_name == "structure" and isinstance(value, Mapping):
        members = {name.lower(): name for name in shape.members}
        return {
            members[key.lower()]: _translated(item, shape.members[members[key.lower()]])
            for key, item in value.items()
            if key.lower() in members
        }
    if shape.type_name == "map" and isinstance(value, list):
        return {item["Key"]: item.get("Value", "") for item in value}
    if shape.type_name == "list" and isinstance(value, list):
        return [_translated(item, shape.member) for item in value]
    return value


def certificate(name: str) -> str:
    """Returns a stand-in for a cluster's certificate authority: base64, as the API answers it."""
    return base64.b64encode(f"no certificate: {name} has no Kubernetes API server".encode()).decode()
