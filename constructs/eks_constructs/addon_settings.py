"""What EKS would refuse of an add-on's settings, before the deploy. The schemas are data: eks_facts/data/addon_settings.yaml."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from eks_facts.addons import addon_settings, meant_setting

_TYPES = {
    "string": "text (in quotes)",
    "integer": "a whole number, without quotes",
    "boolean": "true or false, without quotes",
    "object": "a mapping",
    "array": "a list",
}


Schema = Mapping[str, Any]
_VARIABLE = 0.93
"""How much alike two names of variables are of which one is a typo: ENABLE_IPv4 and ENABLE_IPv6 are less."""


def settings_problem(
    addon: str, settings: Mapping[str, Any], schema: Schema | None = None
) -> tuple[tuple[str | int, ...], str] | None:
    """Returns the way to the first setting that EKS would refuse, and why; None: none is known to be refused.

    ``schema`` is what EKS answered for the add-on's version, if that is known (the lock file).
    """
    found = next(_errors(addon, settings, schema), None)
    return found if found is None or found[1] else None


def unchecked_settings(addon: str, settings: Mapping[str, Any], schema: Schema | None = None) -> list[str]:
    """Returns the settings of which nobody here knows whether EKS takes them, each as the way to it."""
    if schema is None and addon not in addon_settings():
        return [str(key) for key in settings]
    return [".".join(map(str, where)) for where, text in _errors(addon, settings, schema) if not text]


def _errors(
    addon: str, settings: Mapping[str, Any], schema: Schema | None
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yields what a schema does not allow: first what is wrong, then, without a text, what a newer version may allow."""
    known = schema or addon_settings().get(addon)
    if not known or not settings:
        return
    from jsonschema import Draft7Validator  # only environments with settings of add-ons pay for it

    errors = sorted(Draft7Validator(known).iter_errors(settings), key=lambda error: [str(one) for one in error.path])
    errors_of_names = [] if schema else list(_misspelt(addon, settings, known))
    whole = schema is not None or known.get("x-whole")
    found = [one for error in errors for one in _words(addon, error, whole=bool(whole), of_eks=schema is not None)]
    yield from sorted([*found, *errors_of_names], key=lambda one: not one[1])


def _misspelt(
    addon: str, settings: Mapping[str, Any], schema: Schema, where: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yields the variables that differ from known ones by a letter or two."""
    variables = schema.get("x-variables", ())
    for key, value in settings.items():
        if variables and key not in variables and (near := get_close_matches(key, variables, n=1, cutoff=_VARIABLE)):
            yield (*where, key), f"{key} is not a variable of {addon} (EKS would refuse it). Did you mean {near[0]}?"
        if isinstance(value, Mapping):
            yield from _misspelt(addon, value, schema.get("properties", {}).get(key, {}), (*where, key))


def _words(addon: str, error: Any, *, whole: bool, of_eks: bool) -> Iterator[tuple[tuple[str | int, ...], str]]:
    where = tuple(error.path)
    match error.validator:
        case "additionalProperties":
            known = list(error.schema.get("properties", {}))
            for key in [key for key in error.instance if key not in known]:
                if not whole and not meant_setting(key, known):
                    yield (*where, key), ""
                    continue
                meant = (
                    f" Did you mean {near}?"
                    if (near := meant_setting(key, known))
                    else f" It has: {', '.join(sorted(known))}."
                )
                newer = (
                    ""
                    if of_eks
                    else " If a newer version has it: remove it, run make lock-addons, which asks EKS for the settings there"
                    " are, and put it in again"
                )
                yield (*where, key), f"{key} is not a setting of {addon} (EKS would refuse it).{meant}{newer}"
        case "type":
            wanted = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
            named = " or ".join(_TYPES[one] for one in wanted if one in _TYPES)
            yield where, f"{addon} takes {named} here, and EKS would refuse anything else"
        case "enum":
            yield where, f"is not one of {', '.join(error.validator_value)}"
        case "required":
            yield where, f"{addon} needs {' and '.join(error.validator_value)} here"
        case _:
            yield where, f"EKS would refuse it: {error.message}"
