"""Questions that tests ask of a CloudFormation template."""

from collections.abc import Iterator
from typing import Any

Template = dict[str, Any]
Templates = dict[str, Template]


def of_type(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    """The properties of the resources of one type, by logical id."""
    return {
        key: resource.get("Properties", {})
        for key, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def arguments(value: Any, function: str) -> Iterator[Any]:
    """What an intrinsic function, such as ``Ref``, is given wherever it stands in a part of a template."""
    if isinstance(value, dict):
        if function in value:
            yield value[function]
        for one in value.values():
            yield from arguments(one, function)
    elif isinstance(value, list):
        for one in value:
            yield from arguments(one, function)


def needs(template: Template, logical_id: str) -> set[str]:
    """Everything that CloudFormation makes before a resource: what it refers to and what it depends on, all the way down."""
    found: set[str] = set()
    todo = [logical_id]
    while todo:
        resource = template["Resources"][todo.pop()]
        depends = resource.get("DependsOn", [])
        properties = resource.get("Properties", {})
        direct = set([depends] if isinstance(depends, str) else depends) | set(arguments(properties, "Ref"))
        direct |= {
            one[0] if isinstance(one, list) else one.split(".")[0] for one in arguments(properties, "Fn::GetAtt")
        }
        new = (direct & set(template["Resources"])) - found
        found |= new
        todo += new
    return found


def whole_network(templates: Templates, name: str = "t") -> Template:
    """The resources of an environment's network and of its ways out, which are two stacks, as if they were one."""
    network, egress = templates[f"{name}-network"], templates[f"{name}-egress"]

    def joined(value: Any) -> Any:
        if isinstance(value, list):
            return [joined(one) for one in value]
        if not isinstance(value, dict):
            return value
        if output := value.get("Fn::GetStackOutput"):
            return network["Outputs"][output["OutputName"]]["Value"]
        return {key: joined(one) for key, one in value.items()}

    return {"Resources": {**network["Resources"], **joined(egress["Resources"])}}


def only(template: Template, kind: str) -> dict[str, Any]:
    """The properties of the one resource of a type."""
    (properties,) = of_type(template, kind).values()
    return properties
