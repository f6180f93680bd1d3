"""Checks of workloads' secrets: none in a template, a manifest or a chart's values."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

from responsibility.checks.add_ons.settings import settings_of
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.checks.workloads.containers import listed
from responsibility.checks.workloads.secret_names import is_plain, names_a_secret
from responsibility.reading.charts import HelmChart
from responsibility.reading.eks import Addon
from responsibility.reading.embedded import NoData, json_in
from responsibility.reading.kubernetes import KubernetesObject, Secret, Workload
from responsibility.reading.partly_known import begins_open
from responsibility.reading.resource import UnknownValue
from responsibility.reading.stack_parameters import StackParameter
from responsibility.reading.values import Reference, references, unsaid

_LINES = 500
"""So many lines of a file in a ConfigMap are looked at."""
_NAME = re.compile(r"[\w.-]{1,60}")
_PUBLIC = ("ca.crt", "tls.crt", "ca-bundle.crt")
"""Keys whose values may be seen."""
_SETTINGS = frozenset(("host", "name", "namespace", "port", "project", "region", "type", "url"))
"""Keys that say where something is, or what it is, and not how to get in."""


@check("EKR096", Secret)
def secret_is_empty(secret: Secret) -> Answer | None:
    """Certificates are public, and values that are filled in at deploy time are not in the template."""
    if secret.made_by_another:
        return None
    written = []
    later = ""
    for group in ("data", "stringData"):
        for key, value in secret.mapping(group).items():
            if unsaid(value):
                raise UnknownValue(secret.at(group), "the template does not show its values")
            later = later or (group if key not in _PUBLIC and _filled_in(value) else "")
            if key not in _PUBLIC and value and not _filled_in(value) and not _tells_nothing(str(key), value, group):
                written.append(group)
    if written:
        return open_(
            f"contains {len(written)} value{'s' if len(written) > 1 else ''}",
            *(secret.at(group) for group in dict.fromkeys(written)),
        )
    if later:
        raise UnknownValue(secret.at(later), "its values are filled in later: where they are kept was not read")
    return met("it contains no secret value", secret.at("data"))


def _tells_nothing(key: str, value: Any, group: str) -> bool:
    """Whether a value is a setting: true or false, a number, or what a key such as ``url`` has without a password in it."""
    text = str(value).strip()
    if group == "data":
        try:
            text = b64decode(text, validate=True).decode()
        except ValueError:  # neither Base64 nor text
            return False
    if text.lower() in ("true", "false") or (text.isdecimal() and not names_a_secret(key)):
        return True
    return key.lower() in _SETTINGS and not is_plain("", text)


def _filled_in(value: Any) -> bool:
    text = str(value)
    return isinstance(value, Reference) or begins_open(text) or text.startswith(("${", "{{", "$("))


@check("EKR113", Workload)
def environment_is_clean(workload: Workload) -> Answer | None:
    """By the variable's name (DB_PASSWORD) or its value (a private key, an address with a password)."""
    if workload.made_by_another:
        return None
    paths = [item for path in [*workload.running, *workload.starting] for item in workload.items(f"{path}.env")]
    plain = [path for path in paths if _is_secret(workload, path)]
    if plain:
        names = listed(str(workload.get(f"{path}.name")) for path in plain)
        return open_(f"contains {names} in plain text", *(workload.at(f"{path}.value") for path in plain))
    return met("no variable looks like a secret", workload.at(f"{workload.spec_path}.containers"))


def _is_secret(workload: Workload, path: str) -> bool:
    name = str(workload.get(f"{path}.name", ""))
    if not names_a_secret(name):
        return is_plain("", workload.resource.maybe(f"{path}.value"))
    value = workload.get(f"{path}.value")
    if unsaid(value):
        raise UnknownValue(workload.at(f"{path}.value"), "the template does not say it")
    return is_plain(name, value) or _is_access_key(value)


def _is_access_key(value: Any) -> bool:
    return any(attribute == "SecretAccessKey" for _, attribute in references(value))


@check("EKR272", KubernetesObject)
def config_maps_are_clean(item: KubernetesObject) -> Answer | None:
    """By the key's name (db_password) or the value (a private key, an address with a password)."""
    if item.what != "ConfigMap" or item.made_by_another or item.get("apiVersion") != "v1":
        return None
    plain = [str(key) for key, value in item.mapping("data").items() if _looks_plain(str(key), value)]
    if plain:
        return open_(f"contains {listed(plain)} in plain text", *(item.at(f"data.{key}") for key in plain))
    return met("no key looks like a secret", item.at("data"))


def _looks_plain(key: str, value: Any) -> bool:
    if is_plain("", value.strip() if isinstance(value, str) else value):
        return True
    if isinstance(value, str) and "\n" in value.strip():  # a file: its lines are settings of their own
        lines = [line.partition("=" if "=" in line else ":") for line in value.splitlines()[:_LINES]]
        return any(
            is_plain(name.strip(), text.strip().strip("\"'"))
            for name, _, text in lines
            if _NAME.fullmatch(name.strip())
        )
    return is_plain(key, value) and not _filled_in(value)


@check("EKR273", Workload)
def arguments_are_clean(workload: Workload) -> Answer | None:
    """``--password=...``, or the value after it, is in every list of processes."""
    if workload.made_by_another:
        return None
    found = []
    for path in [*workload.running, *workload.starting]:
        for key in ("command", "args"):
            items = workload.items(f"{path}.{key}")
            words = [str(workload.resource.maybe(item, "")) for item in items]
            for item, word, after in zip(items, words, [*words, ""][1:], strict=True):
                name, sign, value = word.lstrip("-").partition("=")
                if not sign and word.startswith("-") and not after.startswith("-"):
                    sign, value = " ", after
                if sign and _NAME.fullmatch(name) and is_plain(name, value) and not _filled_in(value):
                    found.append((item, name))
    if found:
        return open_(
            f"contains {listed(name for _, name in found)} in plain text", *(workload.at(item) for item, _ in found)
        )
    return met("no argument looks like a secret", workload.at(f"{workload.spec_path}.containers"))


@check("EKR426", Addon)
def settings_are_clean(addon: Addon) -> Answer:
    """Settings are text in the template, and EKS shows them to whoever may describe the add-on."""
    settings = settings_of(addon)
    if not settings:
        return not_applicable("has no settings")
    at = addon.at("ConfigurationValues")
    if plain := sorted(set(_plain_values(settings, ""))):
        return open_(f"contains {listed(plain)} in plain text", at)
    return met("no setting looks like a secret", at)


@check("EKR118", HelmChart)
def values_are_clean(chart: HelmChart) -> Answer:
    """Values are JSON text in the custom resource of the CDK."""
    values = chart.get("Values") or {}
    if isinstance(values, str):
        try:
            values = json_in(values)
        except NoData:
            raise UnknownValue(chart.at("Values"), "is not JSON, as far as the template shows") from None
    plain = sorted(set(_plain_values(values, "")))
    if plain:
        return open_(f"contains {listed(plain)} in plain text", chart.at("Values"))
    return met("no value looks like a secret", chart.at("Values"))


def _plain_values(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _plain_values(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for item in value:
            # A variable of a container: its name is beside its value.
            named = isinstance(item, dict) and isinstance(item.get("name"), str) and "value" in item
            yield from _plain_values({item["name"]: item["value"]} if named else item, path)
    else:
        # A bare `secret` is where charts take the name of a Secret, `existingSecret` too.
        name = path.rsplit(".", 1)[-1]
        if is_plain("" if name == "secret" or name.lower().startswith("existing") else name, value):
            yield path


@check("EKR304", StackParameter)
def secrets_are_not_echoed(parameter: StackParameter) -> Answer | None:
    """By the parameter's name. One that names an SSM parameter or an ARN of a secret has none in it."""
    if not names_a_secret(parameter.resource.id) or str(parameter.get("Type", "String")) != "String":
        return None
    default = parameter.get("Default", "")
    if is_plain(parameter.resource.id, default):
        return open_("has a secret as its default, in the template", parameter.at("Default"))
    if str(parameter.get("NoEcho", "")).lower() == "true":
        return met("is not shown after the deploy", parameter.at("NoEcho"))
    return open_("is shown to everybody who may describe the stack", parameter.at("NoEcho"))
