"""CloudFormation's intrinsic functions, one by one: what each gives, as far as the templates alone say."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any

from responsibility.facts.values import Reference, Unknown

if TYPE_CHECKING:
    from responsibility.facts.intrinsics import Scope

_SUB = re.compile(r"\$\{(!?)([^}]*)\}")
_PLACEHOLDER = re.compile(r"\$\{[^}]*\}")
_HELD = re.compile("\0(\\d+)\0")
_ZONES = [f"AZ {number}" for number in range(1, 7)]
"""``Fn::GetAZs`` in an account that nobody asked: the first zones it would name."""


def _ref(scope: Scope, name: Any) -> Any:
    return scope.ref(str(name))


def _get_att(scope: Scope, argument: Any) -> Any:
    name, attribute = argument.split(".", 1) if isinstance(argument, str) else (argument[0], scope.value(argument[1]))
    return scope.attribute(name, str(attribute))


def _sub(scope: Scope, argument: Any) -> Any:
    text, names = (argument, {}) if isinstance(argument, str) else argument

    def one(match: re.Match[str]) -> str:
        literal, name = match[1], match[2].strip()
        if literal:
            return f"${{{name}}}"
        if name in names:
            return str(scope.value(names[name]))
        resource, dot, attribute = name.partition(".")
        return str(scope.attribute(resource, attribute) if dot else scope.ref(name))

    return _SUB.sub(one, text)


def _join(scope: Scope, argument: Any) -> Any:
    parts = scope.value(argument[1])
    if isinstance(parts, Unknown):
        return parts
    # Reference.ListAttribute and the like: one text stands for the list.
    parts = parts if isinstance(parts, list) else [parts]
    if argument[0] == "":
        # Of several Fn::If that leave all but one empty, that one: it keeps what is known about it.
        parts = [part for part in parts if part != ""] or [""]
    return parts[0] if len(parts) == 1 else str(argument[0]).join(_text(part) for part in parts)


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _select(scope: Scope, argument: Any) -> Any:
    items = scope.value(argument[1])
    index = scope.value(argument[0])
    if isinstance(items, Unknown):
        return items
    if isinstance(items, Reference):
        # One of a list that CloudFormation gives: Fn::GetAtt Vpc.Ipv6CidrBlocks and the like.
        return Reference(items.stack, items.resource, f"{items.attribute}[{index}]")
    return items[int(index)]


def _split(scope: Scope, argument: Any) -> Any:
    text = scope.value(argument[1])
    return split(text, argument[0]) if isinstance(text, str) else text


def split(text: str, at: str) -> list[str]:
    """Returns the parts of a text between separators; a reference or a gap in it stays whole."""
    held: list[str] = []

    def hold(match: re.Match[str]) -> str:
        held.append(match[0])
        return f"\0{len(held) - 1}\0"

    parts = _PLACEHOLDER.sub(hold, text).split(at)
    return [_HELD.sub(lambda match: held[int(match[1])], part) for part in parts]


def _if(scope: Scope, argument: Any) -> Any:
    holds = scope.condition(argument[0])
    return holds if isinstance(holds, Unknown) else scope._value(argument[1] if holds else argument[2])


def _equals(scope: Scope, argument: Any) -> Any:
    first, second = (scope.value(item) for item in argument)
    for item in (first, second):
        if isinstance(item, Unknown):
            return item
        if isinstance(item, Reference) or "${" in str(item):
            return Unknown(f"depends on {item}")
    return _text(first) == _text(second)


def _logic(scope: Scope, argument: Any, *, stop: bool) -> Any:
    values = [scope.value(item) for item in argument]
    if any(value is stop for value in values):
        return stop
    return next((value for value in values if isinstance(value, Unknown)), not stop)


def _not(scope: Scope, argument: Any) -> Any:
    value = scope.value(argument[0])
    return value if isinstance(value, Unknown) else not value


def _find_in_map(scope: Scope, argument: Any) -> Any:
    options = argument[3] if len(argument) > 3 else {}
    found: Any = scope.template.body.get("Mappings") or {}
    for key in (scope.value(item) for item in argument[:3]):
        if isinstance(key, Unknown):
            return key
        if str(key) not in found:
            if "DefaultValue" in options:
                return scope.value(options["DefaultValue"])
            return Unknown(f"mapping {argument[0]} has no {key}")
        found = found[str(key)]
    return found


_MOST_BLOCKS = 256
"""What Fn::Cidr gives at most, says CloudFormation's reference."""


def _cidr(scope: Scope, argument: Any) -> Any:
    block, count, *bits = (scope.value(item) for item in argument)
    if isinstance(block, Reference):
        raw = scope.world.scopes[block.stack].resources[block.resource].get("Properties") or {}
        block = scope.world.scopes[block.stack].value(raw.get("CidrBlock")) if block.attribute == "CidrBlock" else block
    if not isinstance(block, str):
        return Unknown("Fn::Cidr of a block that is not known")
    network = ipaddress.ip_network(block)
    prefix = network.max_prefixlen - int(bits[0] if bits else 8)
    subnets = network.subnets(new_prefix=prefix)
    found = [str(subnet) for subnet in islice(subnets, min(int(count), _MOST_BLOCKS))]
    return found if len(found) == int(count) else Unknown(f"Fn::Cidr of {count} blocks, which {block} does not hold")


def _stack_output(scope: Scope, argument: Any) -> Any:
    return scope.world.output(scope.value(argument["StackName"]), str(scope.value(argument["OutputName"])))


def _base64(scope: Scope, argument: Any) -> Any:
    """The text itself: a reader of user data wants to read it."""
    return scope.value(argument)


FUNCTIONS: dict[str, Callable[[Scope, Any], Any]] = {
    "Ref": _ref,
    "Condition": lambda scope, name: scope.condition(name),
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::If": _if,
    "Fn::Equals": _equals,
    "Fn::And": lambda scope, items: _logic(scope, items, stop=False),
    "Fn::Or": lambda scope, items: _logic(scope, items, stop=True),
    "Fn::Not": _not,
    "Fn::FindInMap": _find_in_map,
    "Fn::Cidr": _cidr,
    "Fn::GetAZs": lambda _scope, _region: list(_ZONES),
    "Fn::ImportValue": lambda scope, name: scope.world.imported(scope.value(name)),
    "Fn::GetStackOutput": _stack_output,
    "Fn::Base64": _base64,
    "Fn::ToJsonString": lambda scope, value: json.dumps(scope.value(value), default=str),
    "Fn::Length": lambda scope, items: len(scope.value(items)),
}
