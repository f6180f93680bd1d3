"""What stands for values in Kubernetes objects that only an account knows: ``${AWS_REGION}`` and the like."""

import re
from collections.abc import Mapping
from typing import Any

KNOWN = (
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

_PLACEHOLDER = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


def placeholders(value: Any) -> set[str]:
    """Returns the names of the placeholders in a value, wherever they stand in it."""
    if isinstance(value, str):
        return set(_PLACEHOLDER.findall(value))
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return {name for part in parts for name in placeholders(part)}


def fill(value: Any, values: Mapping[str, str]) -> Any:
    """Returns a copy of a value with the placeholders that ``values`` knows filled in; the others stay."""
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), value)
    if isinstance(value, dict):
        return {key: fill(part, values) for key, part in value.items()}
    if isinstance(value, list):
        return [fill(part, values) for part in value]
    return value
