"""Adds the resource types that ministack lacks, and applies CloudFormation's schemas to all types.

As in CloudFormation, a property that is unknown, mistyped, missing or read-only fails the resource. A change to a create-only
property creates a replacement before the old resource is deleted. A resource of an unknown type fails.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.engine import port
from emulator.engine.guards import refuse
from emulator.engine.schemas import ResourceSchema, Schemas

Properties = dict[str, Any]
Attributes = dict[str, Any]

logger = logging.getLogger("emulator")


@dataclass(frozen=True)
class Place:
    """The stack and the logical id of a resource."""

    stack_name: str
    logical_id: str

    def name(self, longest: int = 63) -> str:
        """Returns a name such as CloudFormation makes where a template gives none: STACK-LOGICALID-RANDOM."""
        return str(port.physical_name(self.stack_name, self.logical_id, max_len=longest))


@dataclass(frozen=True)
class ResourceType:
    """Handlers for resources of one type; a handler raises ValueError with AWS's message."""

    create: Callable[[Properties, Place], tuple[str, Attributes]]
    """Returns the physical id (what Ref gives) and the attributes (what Fn::GetAtt gives, by dotted name)."""
    delete: Callable[[str, Properties], None]
    update: Callable[[str, Properties, Properties, Place], Attributes] | None = None
    """Physical id, old and new properties; never called for a create-only change. None: every property is create-only."""
    waits: bool = False
    """Whether a handler waits for the service: it then runs beside the engine's event loop."""


RESOURCE_TYPES: dict[str, ResourceType] = {}
"""The resource types that the emulator adds, by name."""


def install(schemas: Schemas) -> None:
    """Puts RESOURCE_TYPES into ministack's engine, and the schemas before everything it makes."""
    for name, resource_type in RESOURCE_TYPES.items():
        port.resource_handlers[name] = _handlers(resource_type)
    for name in list(port.resource_handlers):
        schema = schemas.get(name)
        if schema is not None:
            _follow_schema(name, schema)
    port.replace("replacing_change", lambda original: _replacing(schemas, original))
    port.replace(
        "runs_on_worker_thread",
        lambda original: lambda name: (name in RESOURCE_TYPES and RESOURCE_TYPES[name].waits) or original(name),
    )
    port.replace("provision", _known_alone)


def _known_alone(provision: Any) -> Any:
    """Makes resources of known types, and fails for others, which ministack would skip."""

    def provision_known(resource_type: str, logical_id: str, props: Properties, stack_name: str) -> Any:
        if resource_type not in port.resource_handlers and not resource_type.startswith("Custom::"):
            raise ValueError(f"The emulator does not know resource type {resource_type}: it makes nothing of that kind")
        return provision(resource_type, logical_id, props, stack_name)

    return provision_known


def _handlers(resource_type: ResourceType) -> dict[str, Any]:
    def create(logical_id: str, props: Properties, stack_name: str) -> tuple[str, Attributes]:
        return resource_type.create(props, Place(stack_name, logical_id))

    def update(
        physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
    ) -> tuple[str, Attributes]:
        if resource_type.update is None:
            raise ValueError("This resource type cannot be updated")
        return physical_id, resource_type.update(physical_id, old, new, Place(stack_name, logical_id))

    return {"create": create, "update": update, "update_with_logical_id": True, "delete": resource_type.delete}


def _follow_schema(name: str, schema: ResourceSchema) -> None:
    """Validates before the type's handlers run, adds CloudFormation's tags, and refuses to replace what has a name of its own."""
    handlers = port.resource_handlers[name] = dict(port.resource_handlers[name])
    create: Any = handlers["create"]
    update: Any = handlers.get("update")
    delete: Any = handlers.get("delete")

    def checked_create(logical_id: str, props: Properties, stack_name: str) -> Any:
        properties = _checked(name, schema, props)
        refuse("create", name, "", properties)
        made = create(logical_id, properties, stack_name)
        logger.info("%s %s made: %s/%s", name, made[0], stack_name, logical_id)
        return made

    def checked_delete(physical_id: str, props: Properties, *rest: Any) -> Any:
        refuse("delete", name, physical_id, props)
        result = delete(physical_id, props, *rest)
        logger.info("%s %s deleted", name, physical_id)
        return result

    def checked_update(physical_id: str, old: Properties, new: Properties, *rest: Any) -> Any:
        return update(physical_id, old, _checked(name, schema, new), *rest)

    handlers["create"] = checked_create
    if delete is not None:
        handlers["delete"] = checked_delete
    if update is not None:
        handlers["update"] = checked_update
    if schema.tag_property and name in RESOURCE_TYPES:
        shape = "list" if schema.properties.get(schema.tag_property, {}).get("type") == "array" else "map"
        port.stack_tag_properties.setdefault(name, (schema.tag_property, shape))
    if schema.custom_name and name not in port.custom_names:
        port.custom_names[name] = {"name": schema.custom_name}
    # ministack's own handlers know more replacements than the schema: only ours are removed.
    if name in RESOURCE_TYPES:
        port.custom_names.get(name, {}).pop("requires_replacement", None)
    port.replacing_properties[name] = tuple(dict.fromkeys([path[0] for path in schema.create_only if len(path) == 1]))


def _checked(name: str, schema: ResourceSchema, props: Properties) -> Properties:
    properties = schema.coerced({key: value for key, value in props.items() if value is not None})
    # CloudFormation's own tags are not the template's: their keys, reserved for AWS, are not checked against the schema.
    shown = dict(properties)
    key = schema.tag_property or ""
    tags = shown.get(key)
    if isinstance(tags, list):
        shown[key] = [tag for tag in tags if not str(tag.get("Key", "")).startswith("aws:")]
    elif isinstance(tags, dict):
        shown[key] = {name: value for name, value in tags.items() if not name.startswith("aws:")}
    if problems := schema.problems(shown):
        raise ValueError(
            f"Properties validation failed for resource {name} with message: {'; '.join(problems)}"
            " (HandlerErrorCode: InvalidRequest)"
        )
    return properties


def _replacing(schemas: Schemas, original: Any) -> Callable[[str, Mapping[str, Any], Mapping[str, Any]], bool]:
    def replacing_change(resource_type: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        schema = schemas.get(resource_type)
        if schema is None:
            return bool(original(resource_type, old, new))
        return bool(schema.changed_create_only(schema.coerced(old), schema.coerced(new)))

    return replacing_change
