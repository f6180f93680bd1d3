"""What EKS would refuse of an add-on's settings, before it is asked. The schemas are data: eks_facts/data/addon_settings.yaml."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from eks_facts.files import load

_LIKE = 0.6
"""How alike (0 to 1) two keys are of which one is taken for a slip of the other."""

_TYPES = {
    "string": "text (in quotes)",
    "integer": "a whole number, without quotes",
    "boolean": "true or false, without quotes",
    "object": "a mapping",
    "array": "a list",
}


def settings_problem(addon: str, settings: Mapping[str, Any]) -> tuple[tuple[str | int, ...], str] | None:
    """Returns the way to the first setting that EKS would refuse, and why; None: none is known to be refused."""
    schema = load("addon_settings")["add_ons"].get(addon)
    if not schema or not settings:
        return None
    from jsonschema import Draft7Validator  # only environments with settings of add-ons pay for it

    errors = sorted(Draft7Validator(schema).iter_errors(settings), key=lambda error: [str(one) for one in error.path])
    return next((found for error in errors for found in _words(addon, error)), None)


def _words(addon: str, error: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    where = tuple(error.path)
    match error.validator:
        case "additionalProperties":
            known = list(error.schema.get("properties", {}))
            for key in error.instance:
                if key not in known and (meant := like(key, known)):
                    yield (
                        (*where, key),
                        f"{key} is no setting of {addon} (EKS would refuse it). Did you mean {meant}?"
                        f" `aws eks describe-addon-configuration --addon-name {addon} --addon-version ...` lists them",
                    )
        case "type":
            wanted = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
            named = " or ".join(_TYPES[one] for one in wanted if one in _TYPES)
            yield where, f"{addon} takes {named} here, and EKS would refuse anything else"
        case "required":
            yield where, f"{addon} needs {' and '.join(error.validator_value)} here"
        case _:
            yield where, f"EKS would refuse it: {error.message}"


def like(key: str, known: list[str]) -> str | None:
    """Returns the key of ``known`` that ``key`` may be a slip of."""
    plain = {one.lower(): one for one in known}
    found = get_close_matches(key.lower(), plain, n=1, cutoff=_LIKE)
    return plain[found[0]] if found else None
