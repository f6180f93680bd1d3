"""Refuses what must not be in Git: values of Secrets, and secrets in plain text anywhere else. No value is ever shown."""

import re
from collections.abc import Iterator
from typing import Any

from delivery.object_kind import KubernetesObject
from delivery.plan import Chart
from responsibility.checks.workloads.secret_names import is_plain, tells
from safe_io.errors import BadInput
from safe_io.terminal import one_line

_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""kubectl keeps the whole object in it, with the values of a Secret."""
_ADVICE = (
    "and whoever reads a Git repository reads them. Keep it in AWS Secrets Manager, and let the External Secrets operator or the add-on"
    " aws-secrets-store-csi-driver-provider bring it (docs/gitops.md)"
)


_A_NAME = re.compile(r"[a-z]+\d{0,2}([-_./]([a-z]+\d{0,2}|\d{1,2}))*", re.IGNORECASE)
"""Words with separators, as people name objects; a token has digits in between."""


def refuse_secrets(item: KubernetesObject) -> None:
    """Raises BadInput for a Secret with values, and for an object with a secret in plain text: in a ConfigMap, in an environment variable,
    or a private key, an access key or an address with a password anywhere."""
    metadata = item["metadata"]
    where = f"{item['kind']} {'/'.join(filter(None, (metadata.get('namespace'), metadata['name'])))}"
    applied = _APPLIED in (metadata.get("annotations") or {})
    if (
        item["kind"] == "Secret"
        and item["apiVersion"] == "v1"
        and (item.get("data") or item.get("stringData") or applied)
    ):
        raise BadInput(one_line(f"{where} has values, {_ADVICE}"))
    named = item["kind"] == "ConfigMap" and item["apiVersion"] == "v1"
    for way, name, value in _values(item, ()):
        plain = isinstance(value, str) and tells(value)
        plain |= named and way[:1] == ("data",) and is_plain(name, value)
        plain |= way[-2:-1] == ("env",) and is_plain(name, value)
        if plain:
            raise BadInput(one_line(f"{where}: {'.'.join(map(str, way))} has a secret in plain text, {_ADVICE}"))


def refuse_secrets_of_chart(chart: Chart) -> None:
    """Raises BadInput for a value of a chart that is a secret: by its form, or by its name.

    A chart names Secrets and the keys in them by keys such as ``existingSecret``: a value that reads like a name is one, but for passwords.
    """
    for way, name, value in _values(dict(chart.values), ()):
        password = name.lower().endswith(("password", "passwd", "passphrase"))
        plain = is_plain(name, value) and (password or not _A_NAME.fullmatch(str(value)))
        if plain or (isinstance(value, str) and tells(value)):
            raise BadInput(
                one_line(
                    f"chart {chart.name}: the value {'.'.join(map(str, way))} is a secret in plain text, {_ADVICE}"
                )
            )


def _values(value: Any, way: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str, Any]]:
    """Yields each value with its way and its name: its key, or, of `{name, value}` in a list, that name."""
    if isinstance(value, dict):
        if way and isinstance(way[-1], int) and isinstance(value.get("name"), str) and "value" in value:
            yield way, value["name"], value["value"]
        for key, one in value.items():
            yield from _values(one, (*way, str(key)))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _values(one, (*way, index))
    else:
        yield way, str(way[-1]) if way else "", value
