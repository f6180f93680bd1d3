"""A template's Conditions with every function that CloudFormation takes in them; ministack's own knows no Fn::Join there."""

import copy
from collections.abc import Mapping
from typing import Any

from emulator.engine import port


def install() -> None:
    """Replaces ministack's evaluation of conditions."""
    port.replace("evaluate_conditions", lambda _: evaluate_conditions)


def evaluate_conditions(template: Mapping[str, Any], parameters: dict[str, Any]) -> dict[str, bool]:
    """Returns the value of each condition. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-conditions.html"""
    definitions: Mapping[str, Any] = template.get("Conditions", {})
    values: dict[str, bool] = {}

    def truth(expression: Any) -> bool:
        if not isinstance(expression, dict):
            return str(expression).lower() == "true"
        ((function, argument),) = expression.items()
        if function == "Condition":
            if argument not in values:
                values[argument] = truth(definitions[argument])
            return values[argument]
        if function == "Fn::Equals":
            left, right = (resolve(side) for side in argument)
            return str(left) == str(right)
        if function == "Fn::Not":
            return not truth(argument[0])
        if function in ("Fn::And", "Fn::Or"):
            return (all if function == "Fn::And" else any)(truth(part) for part in argument)
        return str(resolve(expression)).lower() == "true"

    def resolve(value: Any) -> Any:
        mappings = template.get("Mappings", {})
        return port.resolve_references(copy.deepcopy(value), {}, parameters, values, mappings, "", "")

    for name, definition in definitions.items():
        values[name] = truth(definition)
    return values
