"""CloudFormation's intrinsic functions, worked out as far as templates alone allow; references between stacks are followed.

What depends on the account (parameters without default, SSM parameters, attributes of custom resources, exports of
stacks that are not here) becomes ``Unknown`` with the reason. A reference to a resource stays one: ``Reference``.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable
from typing import Any

from responsibility.facts.template import Template
from responsibility.facts.values import Reference, Unknown

_DROP: Any = object()
"""``AWS::NoValue``: the property is left out."""
_SUB = re.compile(r"\$\{(!?)([^}]*)\}")
_ZONES = [f"AZ {number}" for number in range(1, 7)]
"""``Fn::GetAZs`` in an account that nobody asked: the first zones it would name."""


class Scope:
    """One stack: what its parameters, conditions and resources stand for."""

    def __init__(self, template: Template, world: World) -> None:
        self.template = template
        self.world = world
        self.name = template.name
        self.resources: dict[str, Any] = template.body["Resources"]
        self._parameters: dict[str, Any] = template.body.get("Parameters") or {}
        self._known: dict[tuple[str, str], Any] = {}

    def value(self, raw: Any) -> Any:
        """Returns ``raw`` with every intrinsic function worked out; None where CloudFormation drops it."""
        value = self._value(raw)
        return None if value is _DROP else value

    def _value(self, raw: Any) -> Any:
        if isinstance(raw, dict):
            if len(raw) == 1:
                ((name, argument),) = raw.items()
                # `Condition` is also a key of IAM statements.
                function = _FUNCTIONS.get(name)
                if function and (name != "Condition" or isinstance(argument, str)):
                    try:
                        return function(self, argument)
                    except (TypeError, ValueError, KeyError, IndexError, AttributeError):
                        return Unknown(f"{name} that cannot be worked out")
                if isinstance(name, str) and name.startswith("Fn::"):
                    return Unknown(f"{name} is not known here")
            pairs = ((key, self._value(item)) for key, item in raw.items())
            return {key: item for key, item in pairs if item is not _DROP}
        if isinstance(raw, list):
            items = (self._value(item) for item in raw)
            return [item for item in items if item is not _DROP]
        if isinstance(raw, str) and "{{resolve:" in raw:
            return Unknown(f"{raw[raw.index('{{') : raw.index('{{') + 40]}... is read at deploy")
        return raw

    def once(self, what: str, name: str, work: Callable[[], Any]) -> Any:
        """Works something out once; what depends on itself is unknown."""
        key = (what, name)
        if key not in self._known:
            self._known[key] = Unknown(f"{what} {name} depends on itself")
            self._known[key] = work()
        return self._known[key]

    def ref(self, name: str) -> Any:
        """Returns what ``Ref`` gives."""
        if name.startswith("AWS::"):
            return self._pseudo(name)
        if name in self._parameters:
            return self.once("parameter", name, lambda: self._parameter(name))
        if name in self.resources:
            return Reference(self.name, name)
        return Unknown(f"{name} is neither a parameter nor a resource of {self.name}")

    def attribute(self, name: str, attribute: str) -> Any:
        """Returns what ``Fn::GetAtt`` gives."""
        resource = self.resources.get(name)
        if resource is None:
            return Unknown(f"{name} is no resource of {self.name}")
        if resource["Type"] == "AWS::CloudFormation::Stack" and attribute.startswith("Outputs."):
            nested = self.world.scopes.get(f"{self.name}/{name}")
            return (
                nested.output(attribute.removeprefix("Outputs."))
                if nested
                else Unknown(f"nested stack {name} is not here")
            )
        if resource["Type"] == "Custom::AWSCDKCfnJson" and attribute == "Value":
            # CDK's way to have tokens in the keys of a mapping: the resource gives back the JSON that it was handed.
            return self.once("value of", name, lambda: self._json((resource.get("Properties") or {}).get("Value")))
        return Reference(self.name, name, attribute)

    def _json(self, raw: Any) -> Any:
        value = self.value(raw)
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            return Unknown("is no JSON as far as the template says")

    def output(self, name: str) -> Any:
        """Returns the value of an output."""
        outputs = self.template.body.get("Outputs") or {}
        if name not in outputs:
            return Unknown(f"{self.name} has no output {name}")
        return self.once("output", name, lambda: self.value(outputs[name].get("Value")))

    def condition(self, name: str) -> bool | Unknown:
        """Returns whether a condition of the template holds."""
        conditions = self.template.body.get("Conditions") or {}
        if name not in conditions:
            return Unknown(f"condition {name} is not defined")
        value = self.once("condition", name, lambda: self.value(conditions[name]))
        return value if isinstance(value, bool | Unknown) else Unknown(f"condition {name} is no condition")

    def _pseudo(self, name: str) -> Any:
        template = self.template
        known = {
            "AWS::NoValue": _DROP,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": self.name,
            "AWS::Region": template.region or "${AWS::Region}",
            "AWS::AccountId": template.account or "${AWS::AccountId}",
        }
        return known.get(name, f"${{{name}}}")

    def _parameter(self, name: str) -> Any:
        definition = self._parameters[name]
        given = self._given(name)
        if given is not None:
            return given
        kind = str(definition.get("Type", "String"))
        if kind.startswith("AWS::SSM::"):
            return Unknown(f"parameter {name} is read from SSM at deploy")
        if "Default" not in definition:
            return Unknown(f"parameter {name} has no default")
        default = definition["Default"]
        if kind.startswith("List<") or kind == "CommaDelimitedList":
            return [part.strip() for part in str(default).split(",") if part.strip()]
        return default

    def _given(self, name: str) -> Any:
        """What the stack around a nested one passes for a parameter."""
        if not self.template.parent:
            return None
        parent = self.world.scopes[self.template.parent[0]]
        passed = (parent.resources[self.template.parent[1]].get("Properties") or {}).get("Parameters") or {}
        return parent.value(passed[name]) if name in passed else None


class World:
    """Every stack that was read, by name."""

    def __init__(self, templates: list[Template]) -> None:
        self.scopes: dict[str, Scope] = {}
        for template in templates:
            self.scopes[template.name] = Scope(template, self)
        self._exports: dict[str, tuple[Scope, str]] | None = None

    def imported(self, name: Any) -> Any:
        """Returns what ``Fn::ImportValue`` gives."""
        if self._exports is None:
            self._exports = {}
            for scope in self.scopes.values():
                for output, definition in (scope.template.body.get("Outputs") or {}).items():
                    if isinstance(definition, dict) and "Export" in definition:
                        self._exports[str(scope.value(definition["Export"].get("Name")))] = (scope, output)
        if str(name) not in self._exports:
            return Unknown(f"export {name} belongs to a stack that is not here")
        scope, output = self._exports[str(name)]
        return scope.output(output)

    def output(self, stack: Any, name: str) -> Any:
        """Returns what ``Fn::GetStackOutput`` gives."""
        scope = self.scopes.get(str(stack))
        return scope.output(name) if scope else Unknown(f"stack {stack} is not here")


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
    return text.split(argument[0]) if isinstance(text, str) else text


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
    return [str(next(subnets)) for _ in range(int(count))]


def _stack_output(scope: Scope, argument: Any) -> Any:
    return scope.world.output(scope.value(argument["StackName"]), str(scope.value(argument["OutputName"])))


def _base64(scope: Scope, argument: Any) -> Any:
    """The text itself: a reader of user data wants to read it."""
    return scope.value(argument)


_FUNCTIONS: dict[str, Callable[[Scope, Any], Any]] = {
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
