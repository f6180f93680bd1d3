"""CloudFormation's intrinsic functions, one by one: what each gives, as far as the templates alone say.

An argument of another shape than CloudFormation's raises ``OddArgument``: the value is unknown then. Every other exception
is a defect of this program.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable
from itertools import islice
from typing import Any

from responsibility.reading.intrinsics import OddArgument, Scope, World
from responsibility.reading.partly_known import PartlyKnown, filled, joined, read, written
from responsibility.reading.template import Template
from responsibility.reading.values import Reference, Unknown, walk

_WHOLE = re.compile(r"\$\{([^!{}][^{}]*)\}")
_ZONES = [f"AZ {number}" for number in range(1, 7)]
"""``Fn::GetAZs`` without an account: the first zones of the region."""


def _list(argument: Any, least: int = 0, most: int | None = None) -> list[Any]:
    if not isinstance(argument, list) or len(argument) < least or (most is not None and len(argument) > most):
        raise OddArgument
    return argument


def _dict(argument: Any) -> dict[str, Any]:
    if not isinstance(argument, dict):
        raise OddArgument
    return argument


def _name(argument: Any) -> str:
    """Returns a name that is literal in the template. YAML reads an unquoted No or 1 as something else than text."""
    if argument is None or isinstance(argument, dict | list):
        raise OddArgument
    return str(argument)


def _number(value: Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,18}", str(value) if isinstance(value, int | str) else ""):
        raise OddArgument
    return int(value)


def _text(value: Any) -> str:
    """Returns a value as a part of a text: what CloudFormation would refuse there leaves a gap."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, dict | list):
        return str(Unknown("something that is not text"))
    return str(value)


def _ref(scope: Scope, name: Any) -> Any:
    # With AWS::LanguageExtensions the name may be worked out, too.
    found = scope.value(name) if isinstance(name, dict) else name
    return found if isinstance(found, Unknown) else scope.ref(_name(found))


def _get_att(scope: Scope, argument: Any) -> Any:
    if isinstance(argument, str):
        name, dot, attribute = argument.partition(".")
        if not dot:
            raise OddArgument
        return scope.attribute(name, attribute)
    name, attribute = (scope.value(one) for one in _list(argument, 2, 2))
    unknown = next((one for one in (name, attribute) if isinstance(one, Unknown)), None)
    return unknown or scope.attribute(_name(name), _name(attribute))


def _sub(scope: Scope, argument: Any) -> Any:
    text, names = (argument, {}) if isinstance(argument, str) else _list(argument, 2, 2)
    if not isinstance(text, str):
        raise OddArgument
    if whole := _WHOLE.fullmatch(text):
        # Nothing but one value: it keeps what is known about it.
        value = _named(scope, whole[1].strip(), _dict(names))
        if isinstance(value, Unknown | Reference):
            return value
    known: dict[str, str] = {}

    def fill(inside: str) -> str:
        if inside.startswith("!"):
            return f"${{{inside[1:].strip()}}}"
        name = inside.strip()
        if name not in known:
            known[name] = _text(_named(scope, name, _dict(names)))
        scope.world.budget.text(len(known[name]))
        return known[name]

    return filled(written(text), fill, "${", "}")


def _named(scope: Scope, name: str, names: dict[str, Any]) -> Any:
    if name in names:
        return scope.value(names[name])
    resource, dot, attribute = name.partition(".")
    return scope.attribute(resource, attribute) if dot else scope.ref(name)


def _join(scope: Scope, argument: Any) -> Any:
    between, parts = _name(_list(argument, 2, 2)[0]), scope.value(argument[1])
    if isinstance(parts, Unknown):
        return parts
    # Reference.ListAttribute and the like: one text represents the list.
    parts = parts if isinstance(parts, list) else [parts]
    if between == "":
        # Of several Fn::If that leave all but one empty, that one: it keeps what is known about it.
        parts = [part for part in parts if part != ""] or [""]
    if len(parts) == 1 and not isinstance(parts[0], dict | list):
        return parts[0]
    texts = [_text(part) for part in parts]
    scope.world.budget.text(sum(map(len, texts)) + len(texts) * len(between))
    return joined(*texts, between=between)


def _select(scope: Scope, argument: Any) -> Any:
    index, items = (scope.value(item) for item in _list(argument, 2, 2))
    for value in (items, index):
        if isinstance(value, Unknown):
            return value
    if isinstance(items, Reference):
        # One of a list that CloudFormation gives: Fn::GetAtt Vpc.Ipv6CidrBlocks and the like.
        return Reference(items.stack, items.resource, f"{items.attribute}[{_name(index)}]")
    if _number(index) >= len(_list(items)):
        raise OddArgument
    return items[_number(index)]


def _split(scope: Scope, argument: Any) -> Any:
    at, raw = _list(argument, 2, 2)
    text = scope.value(raw)
    if isinstance(text, str):
        if not isinstance(at, str) or not at:
            raise OddArgument
        return text.split(at)
    if not isinstance(text, Unknown | Reference):
        raise OddArgument
    return text


def _if(scope: Scope, argument: Any) -> Any:
    name, yes, no = _list(argument, 3, 3)
    holds = scope.condition(_name(name))
    # Which of the two it is, is not known: one of them may be nothing.
    return Unknown(holds.reason) if isinstance(holds, Unknown) else scope.kept(yes if holds else no)


def _equals(scope: Scope, argument: Any) -> Any:
    first, second = (scope.value(item) for item in _list(argument, 2, 2))
    for item in (first, second):
        for part in walk(item):
            if isinstance(part, Unknown):
                return part
            if isinstance(part, Reference | PartlyKnown):
                return Unknown(f"depends on {part.words}")
    if isinstance(first, dict | list) or isinstance(second, dict | list):
        return bool(first == second)
    return _text(first) == _text(second)


def _logic(scope: Scope, argument: Any, *, stop: bool) -> Any:
    values = [scope.value(item) for item in _list(argument, 1)]
    if any(value is stop for value in values):
        return stop
    if not all(isinstance(value, bool | Unknown) for value in values):
        raise OddArgument
    return next((value for value in values if isinstance(value, Unknown)), not stop)


def _not(scope: Scope, argument: Any) -> Any:
    value = scope.value(_list(argument, 1, 1)[0])
    if not isinstance(value, bool | Unknown):
        raise OddArgument
    return value if isinstance(value, Unknown) else not value


def _find_in_map(scope: Scope, argument: Any) -> Any:
    names = _list(argument, 3, 4)
    options = _dict(names[3]) if len(names) > 3 else {}
    found: Any = scope.section("Mappings")
    for key in (scope.value(item) for item in names[:3]):
        if isinstance(key, Unknown | Reference):
            return key if isinstance(key, Unknown) else Unknown(f"depends on {key.words}")
        if isinstance(key, PartlyKnown):
            # A region or an account that is not known here: not one that the mapping does not have.
            return Unknown(f"the key {key.words} of mapping {_text(names[0])} is known at deploy")
        if _name(key) not in _dict(found):
            if "DefaultValue" in options:
                return scope.value(options["DefaultValue"])
            return Unknown(f"mapping {_text(names[0])} has no {key}")
        found = found[_name(key)]
    return found


_MOST_BLOCKS = 256
"""What Fn::Cidr gives at most, says CloudFormation's reference."""


def _cidr(scope: Scope, argument: Any) -> Any:
    block, count, *bits = (scope.value(item) for item in _list(argument, 2, 3))
    if isinstance(block, Reference) and block.attribute == "CidrBlock":
        block = scope.world.scopes[block.stack].block(block.resource)
    for value in (count, *bits):
        if isinstance(value, Unknown):
            return value
    if not isinstance(block, str):
        return Unknown("Fn::Cidr of a block that is not known")
    try:
        network = ipaddress.ip_network(block)
    except ValueError:
        raise OddArgument from None
    wanted, prefix = _number(count), network.max_prefixlen - (_number(bits[0]) if bits else 8)
    if wanted <= _MOST_BLOCKS and network.prefixlen <= prefix <= network.max_prefixlen:
        found = [str(subnet) for subnet in islice(network.subnets(new_prefix=prefix), wanted)]
        if len(found) == wanted:
            return found
    return Unknown(f"Fn::Cidr of {wanted} blocks, which {block} does not hold")


def _stack_output(scope: Scope, argument: Any) -> Any:
    wanted = _dict(argument)
    stack, output = scope.value(wanted.get("StackName")), scope.value(wanted.get("OutputName"))
    return scope.world.output(_name(stack), _name(output))


def _base64(scope: Scope, argument: Any) -> Any:
    """The text itself: a reader of user data wants to read it."""
    return scope.value(argument)


def _to_json(scope: Scope, argument: Any) -> Any:
    return read(json.dumps(scope.value(argument), default=str, ensure_ascii=False))


def _length(scope: Scope, argument: Any) -> Any:
    items = scope.value(argument)
    if isinstance(items, Reference):
        return Unknown(f"depends on {items.words}")
    return items if isinstance(items, Unknown) else len(_list(items))


FUNCTIONS: dict[str, Callable[[Scope, Any], Any]] = {
    "Ref": _ref,
    "Condition": lambda scope, name: scope.condition(_name(name)),
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
    "Fn::ToJsonString": _to_json,
    "Fn::Length": _length,
}


def world_of(templates: list[Template], where: str = "the templates") -> World:
    """Returns the stacks, whose values are worked out by these functions; ``where`` they were read from."""
    return World(templates, FUNCTIONS, where)
