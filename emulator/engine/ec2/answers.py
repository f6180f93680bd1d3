"""Answers to EC2's Describe requests, written by botocore's shapes from records in the API's words.

ministack's own answers leave out members that this project's templates set: where that is so, these take their place.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

import botocore.session  # type: ignore[import-untyped]
from botocore.model import ServiceModel, Shape  # type: ignore[import-untyped]

from emulator.engine import port

Record = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]


@cache
def model(service: str = "ec2") -> ServiceModel:
    """Returns botocore's model of EC2, or of another service that answers in XML."""
    return botocore.session.get_session().get_service_model(service)


def answer_describe(operation: str, identity: str, records: Callable[[], Iterable[Record]]) -> None:
    """Takes an operation such as ``DescribeNatGateways`` over; ``identity`` is the member that its ids name."""

    def handler(parameters: Mapping[str, Any]) -> Answer:
        ids = set(_values(parameters, re.compile(rf"{identity}s?\.\d+")))
        filters = dict(_filters(parameters))
        found = [
            record
            for record in (_with_tags(one, identity) for one in records())
            if (not ids or record[identity] in ids) and all(_matches(record, *one) for one in filters.items())
        ]
        if missing := ids - {record[identity] for record in found}:
            return tuple(port.ec2_error(f"Invalid{identity}.NotFound", f"{sorted(missing)[0]} does not exist", 400))
        shape = model().operation_model(operation).output_shape
        member = next(name for name, one in shape.members.items() if one.type_name == "list")
        return tuple(port.ec2_answer(200, f"{operation}Response", _xml({member: found}, shape)))

    handler.identity = identity  # type: ignore[attr-defined]
    port.ec2_operations[operation] = handler


def shaped(value: Mapping[str, Any], shape: str, service: str = "ec2") -> str:
    """Returns members of a structure of a service's API, such as ``Instance``, as XML."""
    return _xml(value, model(service).shape_for(shape), "item" if service == "ec2" else "member")


def _with_tags(record: Record, identity: str) -> Record:
    return {**record, "Tags": port.ec2_tags.get(record[identity], [])}


def _values(parameters: Mapping[str, Any], pattern: re.Pattern[str]) -> Iterator[str]:
    for key, value in parameters.items():
        if pattern.fullmatch(key):
            yield value[0] if isinstance(value, list) else value


def _filters(parameters: Mapping[str, Any]) -> Iterator[tuple[str, set[str]]]:
    for key, value in parameters.items():
        if found := re.fullmatch(r"(Filter\.\d+)\.Name", key):
            values = _values(parameters, re.compile(rf"{re.escape(found[1])}\.Value\.\d+"))
            yield (value[0] if isinstance(value, list) else value), set(values)


def _matches(record: Record, name: str, values: set[str]) -> bool:
    if name.startswith("tag:"):
        return any(tag["Key"] == name[4:] and tag["Value"] in values for tag in record["Tags"])
    member = "".join(word.capitalize() for word in re.split(r"[-.]", name))
    value = record.get(member)
    return str(value.get("Name", value.get("Code")) if isinstance(value, dict) else value) in values


def _xml(value: Any, shape: Shape, item: str = "item") -> str:
    if shape.type_name == "structure":
        return "".join(
            _element(member.serialization.get("name", name), _xml(value[name], member, item))
            for name, member in shape.members.items()
            if value.get(name) is not None
        )
    if shape.type_name == "list":
        return "".join(_element(item, _xml(one, shape.member, item)) for one in value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return escape(str(value))


def _element(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>"
