"""CloudFormation's intrinsic functions, worked out as far as templates alone allow; references between stacks are followed.

What depends on the account (parameters without default, SSM parameters, attributes of custom resources, exports of
stacks that are not here) becomes ``Unknown`` with the reason. A reference to a resource stays one: ``Reference``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from responsibility.bounds import CHAIN, Budget
from responsibility.reading.embedded import NoData, json_in
from responsibility.reading.partly_known import part, says, without_gaps, written
from responsibility.reading.placeholders import MARKS
from responsibility.reading.template import Template
from responsibility.reading.unread import macros
from responsibility.reading.values import Reference, Unknown, Unread

_DROP: Any = object()
"""``AWS::NoValue``: the property is left out."""
_SSM = re.compile(r"\{\{resolve:ssm:([^:}]+)(?::\d+)?\}\}")


_SHORT = 300
"""Characters: longer texts, such as user data, have marks of their own."""


_CUSTOM = ("Custom::", "AWS::CloudFormation::CustomResource", "AWS::CloudFormation::WaitCondition")
_KNOWN_CUSTOM = (
    "Custom::AWSCDK-EKS-Cluster",
    "Custom::AWSCDK-EKS-FargateProfile",
    "Custom::AWSCDKOpenIdConnectProvider",
)
"""Those of the CDK that make a resource whose attributes are known: its ARN, its security group."""


def _answers_anything(kind: str) -> bool:
    """Whether the attributes of a type are values of any kind, which only the deploy tells, and not what identifies it."""
    return (kind.startswith(_CUSTOM) and kind not in _KNOWN_CUSTOM) or kind.endswith("::MODULE")


class OddArgument(Exception):
    """An argument of a function that CloudFormation would refuse."""


class Scope:
    """One stack: what its parameters, conditions and resources mean."""

    def __init__(self, template: Template, world: World) -> None:
        self.template = template
        self.world: World = world
        self.name = template.name
        self.resources: dict[str, Any] = template.body["Resources"]
        self.macros = macros(template)
        self._parameters = self.section("Parameters")
        self._known: dict[tuple[str, str], Any] = {}

    def section(self, name: str) -> dict[str, Any]:
        """Returns a section of the template; empty = it has none."""
        return self.template.body.get(name) or {}

    def value(self, raw: Any) -> Any:
        """Returns ``raw`` with every intrinsic function worked out; None where CloudFormation drops it."""
        value = self.kept(raw)
        return None if value is _DROP else value

    def kept(self, raw: Any) -> Any:
        """Returns the same; what CloudFormation drops is a mark, which the mapping or list around it leaves out."""
        if isinstance(raw, dict):
            if len(raw) == 1:
                ((name, argument),) = raw.items()
                # `Condition` is also a key of IAM statements.
                function = self.world.functions.get(name)
                if function and (name != "Condition" or isinstance(argument, str)):
                    try:
                        # A parameter's default, a mapping or a text put together may hold a dynamic reference.
                        return self._at_deploy(self.world.budget.made(function(self, argument)))
                    except OddArgument:
                        return Unknown(f"{name} that cannot be worked out")
                if isinstance(name, str) and name.startswith("Fn::"):
                    return Unknown(f"{name} is not known here")
            return self._mapping(raw)
        if isinstance(raw, list):
            items = (self.kept(item) for item in raw)
            return [item for item in items if item is not _DROP]
        return self._at_deploy(written(raw) if isinstance(raw, str) else raw)

    def _mapping(self, raw: dict[Any, Any]) -> dict[Any, Any]:
        """Returns a mapping of values. Where something puts further keys beside them, those are unknown."""
        unknown: Unknown | None = None
        found = {}
        for key, item in raw.items():
            if key == "Fn::Transform":
                unknown = Unknown("Fn::Transform may bring it")
            elif isinstance(key, str) and len(key) < _SHORT and MARKS.fullmatch(key):
                unknown = Unknown(f"{key[:60]} may be it: a placeholder that something replaces before the deploy")
            elif (value := self.kept(item)) is not _DROP:
                found[key] = value
        return Unread(unknown, found) if unknown else found

    def _at_deploy(self, value: Any) -> Any:
        """Returns a value; that it is unknown, where something fills it in between this template and the deploy."""
        if isinstance(value, list):
            return [self._at_deploy(item) for item in value]
        if not isinstance(value, str):
            return value
        if says(value, "{{resolve:"):
            whole = _SSM.fullmatch(value.strip())
            words = without_gaps(value)
            reason = f"{words[words.index('{{') : words.index('{{') + 40]}... is read at deploy"
            return Unknown(reason, ssm=whole[1] if whole else "", given=True)
        if found := MARKS.search(value) if self.macros and len(value) < _SHORT else MARKS.fullmatch(value):
            by = f"macro {', '.join(self.macros)}" if self.macros else "something"
            return Unknown(f"{found[0][:60]} is a placeholder that {by} replaces before the deploy")
        return value

    def once(self, what: str, name: str, work: Callable[[], Any]) -> Any:
        """Works something out once; what depends on itself is unknown. Raises BadSource for a chain without end."""
        key = (what, name)
        if key not in self._known:
            self._known[key] = Unknown(f"{what} {name} depends on itself")
            with self.world.deeper(f"{self.template.file}: {what} {name}"):
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
            return Unknown(f"{name} is not a resource of {self.name}")
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
        if _answers_anything(str(resource["Type"])):
            return Unknown(f"{name}.{attribute} is what {resource['Type']} answers at deploy", given=True)
        return Reference(self.name, name, attribute)

    def _json(self, raw: Any) -> Any:
        value = self.value(raw)
        try:
            return self.world.budget.made(json_in(value)) if isinstance(value, str) else value
        except NoData:
            return Unknown("is not JSON, as far as the template shows")

    def block(self, name: str) -> Any:
        """Returns the address block of a resource, such as a VPC."""
        properties = self.resources[name].get("Properties") or {}
        return self.once("block of", name, lambda: self.value(properties.get("CidrBlock")))

    def output(self, name: str) -> Any:
        """Returns the value of an output."""
        outputs = self.section("Outputs")
        if not isinstance(outputs.get(name), dict):
            return Unknown(f"{self.name} has no output {name}")
        return self.once("output", name, lambda: self.value(outputs[name].get("Value")))

    def condition(self, name: str) -> bool | Unknown:
        """Returns whether a condition of the template holds."""
        conditions = self.section("Conditions")
        if name not in conditions:
            return Unknown(f"condition {name} is not defined")
        value = self.once("condition", name, lambda: self.value(conditions[name]))
        return value if isinstance(value, bool | Unknown) else Unknown(f"condition {name} is not a condition")

    def _pseudo(self, name: str) -> Any:
        template = self.template
        known = {
            "AWS::NoValue": _DROP,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": self.name,
            "AWS::Region": template.region or part("AWS::Region"),
            "AWS::AccountId": template.account or part("AWS::AccountId"),
        }
        return known.get(name, part(name))

    def _parameter(self, name: str) -> Any:
        definition = self._parameters[name]
        if not isinstance(definition, dict):
            return Unknown(f"parameter {name} is not a mapping")
        kind = str(definition.get("Type", "String"))
        value = self._given(name)
        if value is None:
            value = definition.get("Default")
        if kind.startswith("AWS::SSM::Parameter::Value"):
            named = value if isinstance(value, str) else ""
            return Unknown(f"parameter {name} is read from SSM at deploy", ssm=named, given=True)
        if value is None:
            is_list = kind.startswith("List<") or kind == "CommaDelimitedList"
            shape: Literal["", "one", "list"] = "list" if is_list else "one" if kind.startswith("AWS::") else ""
            return Unknown(f"parameter {name} has no default", given=True, shape=shape)
        if kind.startswith("List<") or kind == "CommaDelimitedList":
            return _list(value)
        return value

    def _given(self, name: str) -> Any:
        """What the stack around a nested one passes for a parameter, or the person who asks."""
        if not self.template.parent:
            return self.template.given.get(name)
        parent = self.world.scopes[self.template.parent[0]]
        passed = (parent.resources[self.template.parent[1]].get("Properties") or {}).get("Parameters")
        return parent.value(passed[name]) if isinstance(passed, dict) and name in passed else None


class World:
    """Every stack that was read, by name."""

    def __init__(self, templates: list[Template], functions: Mapping[str, Function], where: str) -> None:
        """Works nothing out yet; ``where`` they were read from."""
        self.functions = functions
        self.budget = Budget(where)
        self._depth = 0
        self.scopes: dict[str, Scope] = {}
        for template in templates:
            self.scopes[template.name] = Scope(template, self)
        self._exports: dict[str, tuple[Scope, str]] | None = None

    @contextmanager
    def deeper(self, where: str) -> Iterator[None]:
        """Counts how far values refer on to one another. Raises BadSource."""
        self._depth += 1
        CHAIN.check(self._depth, where)
        try:
            yield
        finally:
            self._depth -= 1

    def imported(self, name: Any) -> Any:
        """Returns what ``Fn::ImportValue`` gives."""
        if self._exports is None:
            self._exports = {}
            for scope in self.scopes.values():
                for output, definition in scope.section("Outputs").items():
                    export = definition.get("Export") if isinstance(definition, dict) else None
                    if isinstance(export, dict) and isinstance(named := scope.value(export.get("Name")), str):
                        self._exports[named] = (scope, output)
        if not isinstance(name, str) or name not in self._exports:
            return Unknown(
                f"export {name if isinstance(name, str) else 'of an unknown name'} belongs to a stack that is not here",
                given=True,
            )
        scope, output = self._exports[name]
        return scope.output(output)

    def output(self, stack: Any, name: str) -> Any:
        """Returns what ``Fn::GetStackOutput`` gives."""
        scope = self.scopes.get(str(stack))
        return scope.output(name) if scope else Unknown(f"stack {stack} is not here")


def _list(value: Any) -> Any:
    """Returns what a parameter that is a list holds; of an empty text, a list of one empty text."""
    if isinstance(value, str | int | float):
        return [one.strip() for one in str(value).split(",") if one.strip()] or [""]
    return [value] if isinstance(value, Reference) else value


Function = Callable[[Scope, Any], Any]
"""An intrinsic function: it takes the stack that it is written in, and its argument."""
