"""CloudFormation's types of CloudWatch's log delivery, through ministack's own operations."""

import json
from collections.abc import Callable
from typing import Any

from emulator.engine import port
from emulator.engine.provider import RESOURCE_TYPES, Attributes, Place, Properties, ResourceType


def install() -> None:
    """Registers the types."""
    RESOURCE_TYPES["AWS::Logs::DeliverySource"] = ResourceType(
        _create_source, lambda name, _: _deleted(port.delete_delivery_source, name=name)
    )
    RESOURCE_TYPES["AWS::Logs::DeliveryDestination"] = ResourceType(
        _create_destination, lambda name, _: _deleted(port.delete_delivery_destination, name=name)
    )
    RESOURCE_TYPES["AWS::Logs::Delivery"] = ResourceType(
        _create_delivery, lambda ident, _: _deleted(port.delete_delivery, id=ident)
    )


def _call(operation: Callable[[dict[str, Any]], Any], **parameters: Any) -> dict[str, Any]:
    """Returns what an operation answers. Raises ValueError with AWS's message."""
    status, _, body = operation({key: value for key, value in parameters.items() if value is not None})
    answer: dict[str, Any] = json.loads(body)
    if status >= 400:
        raise ValueError(answer.get("message") or answer.get("Message") or str(answer))
    return answer


def _deleted(operation: Callable[[dict[str, Any]], Any], **parameters: Any) -> None:
    operation(parameters)  # one that is gone already is no fault


def _create_source(props: Properties, _place: Place) -> tuple[str, Attributes]:
    made = _call(
        port.put_delivery_source, name=props["Name"], resourceArn=props.get("ResourceArn"), logType=props.get("LogType")
    )["deliverySource"]
    return props["Name"], {"Arn": made["arn"], "Service": made["service"], "ResourceArns": made["resourceArns"]}


def _create_destination(props: Properties, _place: Place) -> tuple[str, Attributes]:
    made = _call(
        port.put_delivery_destination,
        name=props["Name"],
        deliveryDestinationConfiguration={
            "destinationResourceArn": props.get("DestinationResourceArn", "").removesuffix(":*")
        },
    )["deliveryDestination"]
    return props["Name"], {"Arn": made["arn"], "DeliveryDestinationType": made["deliveryDestinationType"]}


def _create_delivery(props: Properties, _place: Place) -> tuple[str, Attributes]:
    made = _call(
        port.create_delivery,
        deliverySourceName=props["DeliverySourceName"],
        deliveryDestinationArn=props["DeliveryDestinationArn"],
    )["delivery"]
    return made["id"], {"Arn": made["arn"], "DeliveryId": made["id"]}
