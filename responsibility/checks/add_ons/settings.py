"""Checks of the settings of EKS add-ons: whether EKS accepts them. Known schemas are data (eks_facts)."""

from typing import Any

from eks_facts.addons import addon_settings, meant_setting
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.reading.eks import Addon
from responsibility.reading.partly_known import revived, without_marks
from responsibility.reading.resource import UnknownValue
from safe_io.errors import BadInput
from safe_io.yaml_file import load

_COMPARED = 20
"""Keys of one mapping that are compared with known ones: a comparison is slow, and a file may hold any number of them."""


def settings_of(addon: Addon) -> Any:
    """Returns the settings of an add-on, which EKS takes as JSON or YAML; None: it has none. Raises UnknownValue."""
    text = addon.get("ConfigurationValues")
    if text in (None, ""):
        return None
    try:
        return revived(load(without_marks(str(text))))
    except BadInput as problem:
        raise UnknownValue(addon.at("ConfigurationValues"), f"cannot be read: {problem}") from None


@check("EKR153", Addon)
def settings_fit_the_schema(addon: Addon) -> Answer:
    """A key that looks like a known one is taken for a slip of it. Where the schema is not whole, any other may be a setting."""
    settings = settings_of(addon)
    if not settings:
        return not_applicable("has no settings")
    at = addon.at("ConfigurationValues")
    schema = addon_settings().get(addon.name)
    if not schema:
        raise UnknownValue(at, f"the schema of {addon.name} is not known to this review")
    from jsonschema import Draft7Validator

    unknown = []
    for error in Draft7Validator(schema).iter_errors(settings):
        place = ".".join(str(step) for step in error.path)
        if error.validator != "additionalProperties":
            return open_(f"sets {place or 'something'} to what EKS refuses: {error.message[:300]}", at)
        known = list(error.schema.get("properties", {}))
        for key in [key for key in error.instance if key not in known][:_COMPARED]:
            if meant := meant_setting(key, known):
                return open_(f"sets {key}, which {addon.name} does not have: {meant} may be meant", at)
            if schema.get("x-whole"):
                return open_(f"sets {key}, which {addon.name} does not have", at)
            unknown.append(key)
    if unknown:
        raise UnknownValue(at, f"whether {addon.name} has {', '.join(unknown)} is not known to this review")
    return met(f"sets {', '.join(settings)}", at)
