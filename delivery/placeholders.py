"""Placeholders in Kubernetes objects for values that only an account knows: ``${AWS_REGION}`` and the like.

``$${NAME}`` is how an object says ``${NAME}`` and means it: the escape stays until the last value is filled in.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

KNOWN = (
    "ACCESS_POINT_ID",
    "AWS_ACCOUNT_ID",
    "AWS_PARTITION",
    "AWS_REGION",
    "BUCKET_NAME",
    "CERTIFICATE_ARN",
    "CLUSTER_NAME",
    "FILE_SYSTEM_ID",
    "HOSTNAME",
    "NAMESPACE",
)
"""What the files of a workload may use."""

ROLE_ARN = "SERVICE_ACCOUNT_ROLE_ARN"
"""What placement adds: the IAM role of a workload's service account."""

_ROLE_OF = "ROLE_ARN_OF_"


def role_placeholder(service_account: str) -> str:
    """Returns the placeholder for the role of one of a workload's service accounts."""
    return _ROLE_OF + re.sub(r"[-.]", "_", service_account.upper())


def role_placeholder_in(namespace: str, service_account: str) -> str:
    """Returns the placeholder for the role of a service account of the cluster's `pod_identities`."""
    return role_placeholder(f"{namespace}-{service_account}")


def is_role(placeholder: str) -> bool:
    """Returns whether a placeholder is one that placement adds, for a role."""
    return placeholder == ROLE_ARN or placeholder.startswith(_ROLE_OF)


Way = tuple[str | int, ...]

_NAME = r"\{([A-Z][A-Z0-9_]*)\}"
_PLACEHOLDER = re.compile(rf"(?<!\$)\${_NAME}")
_ESCAPED = re.compile(rf"\$\${_NAME}")


def placeholders(value: Any) -> set[str]:
    """Returns the names of the placeholders anywhere in a value; escaped ones do not count."""
    return {name for _, name in places(value)}


def places(value: Any, way: Way = ()) -> Iterator[tuple[Way, str]]:
    """Yields the placeholders in a value: the way to each, and its name."""
    if isinstance(value, str):
        yield from ((way, name) for name in _PLACEHOLDER.findall(value))
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from places(part, (*way, key))
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from places(part, (*way, index))


def fill(value: Any, values: Mapping[str, str]) -> Any:
    """Returns a copy of a value with the placeholders that ``values`` knows filled in; the others, and escapes, stay."""
    return _mapped(value, lambda text: _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text))


def unescaped(value: Any) -> Any:
    """Returns a copy of a value in which ``$${NAME}`` is ``${NAME}``: what the cluster gets, once all is filled in."""
    return _mapped(value, lambda text: _ESCAPED.sub(r"${\1}", text))


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _mapped(part, change) for key, part in value.items()}
    if isinstance(value, list):
        return [_mapped(part, change) for part in value]
    return value
