"""Resource types of services that the local AWS does not have: it keeps their properties, under the names that AWS would give.

CloudFormation's schemas check them as they check all types (provider.py). No API answers for them.
"""

import uuid
from collections.abc import Callable

from emulator.engine.provider import RESOURCE_TYPES, Attributes, Place, Properties, ResourceType

_Identity = Callable[[Properties], tuple[str, Attributes]]
"""From properties to the physical id and attributes."""


def install() -> None:
    """Registers the types."""
    for name, identity in _TYPES.items():
        RESOURCE_TYPES[name] = _kept(identity)


def _kept(identity: _Identity) -> ResourceType:
    attributes: dict[str, Attributes] = {}

    def create(props: Properties, _place: Place) -> tuple[str, Attributes]:
        physical_id, attributes_of_it = identity(props)
        attributes[physical_id] = attributes_of_it
        return physical_id, attributes_of_it

    def update(physical_id: str, _old: Properties, _new: Properties, _place: Place) -> Attributes:
        return attributes[physical_id]

    def delete(physical_id: str, _props: Properties) -> None:
        attributes.pop(physical_id, None)

    return ResourceType(create, delete, update)


def _hexadecimal(count: int) -> str:
    return uuid.uuid4().hex[:count]


def _association(_props: Properties) -> tuple[str, Attributes]:
    name = f"rslvr-rrassoc-{_hexadecimal(17)}"
    return name, {"ResolverRuleAssociationId": name}


_TYPES: dict[str, _Identity] = {"AWS::Route53Resolver::ResolverRuleAssociation": _association}
