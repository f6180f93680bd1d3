"""`lock-addons`: the versions of the add-ons that an environment plans, from EKS into the file that a synth reads."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from responsibility.account import committed
from responsibility.account.addon_versions import choose
from responsibility.account.environment import check_made_from, environment_file, is_newer, lock_file
from responsibility.account.errors import AccountError
from responsibility.account.planned import Plan, plan_of
from responsibility.account.session import Account
from responsibility.reading import sources
from responsibility.reading.reader import read
from responsibility.reading.template import BadSource
from responsibility.reading.versions import order
from safe_io.output import write
from safe_io.yaml_file import load as load_yaml

Versions = dict[str, dict[str, str]]
"""By Kubernetes version and name of the add-on."""
Schemas = dict[str, dict[str, str]]
"""JSON schemas of settings, by name and version of the add-on."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What to lock."""

    env: str | None = None
    assembly: str = "cdk.out"
    output: Path | None = None
    latest: bool = False
    region: str | None = None
    profile: str | None = None

    @property
    def arguments(self) -> list[str]:
        """The command line, as far as the outcome depends on it."""
        named = ["--env", self.env] if self.env else []
        assembly = ["--assembly", self.assembly] if self.assembly != "cdk.out" or not self.env else []
        output = ["--output", str(self.output)] if self.output else []
        return ["lock-addons", *named, *assembly, *output, *(["--latest"] if self.latest else [])]


def lock(request: Request, *, say: Say, warn: Say, progress: Say = lambda _: None, today: date | None = None) -> None:
    """Writes the lock file, if that changes a version.

    Raises BadSource (AccountError where AWS is the reason): nothing was written then.
    """
    environment = environment_file(request.env) if request.env else None
    file = request.output or (lock_file(environment) if environment else None)
    if file is None:
        raise BadSource("Say which environment: --env demo; or where to write: --output FILE")
    plan = _plan(request, environment, warn)
    old = load(file)
    with committed.kept(file):
        account = Account(
            "lock-addons", region=request.region or plan.region or None, profile=request.profile, progress=progress
        )
        new = _ask(account, plan, latest=request.latest, warn=warn)
        schemas = _schemas(account, new)
    _warn_of_named(plan, old, new, warn)
    changes = differences(old or {}, new)
    if schemas != (load_schemas(file) if old is not None else {}):
        changes.append(f"settings of {', '.join(sorted(schemas)) or 'no add-on'}: as EKS describes them")
    count = sum(len(addons) for addons in new.values())
    if not count and old is None:
        say(f"{request.assembly}: plans no add-on, so there is nothing to lock")
        return
    if not changes:
        say(f"{file}: unchanged, {count} add-on versions (EKS in {account.region})")
        return
    write(file, rendered(new, schemas, request, today or datetime.now(UTC).date(), account.region))
    say(f"{file}: {count} add-on versions (EKS in {account.region})")
    for line in changes:
        say(f"  {line}")
    say("Commit it. The next synth uses it; read `make diff` before you deploy.")


def _plan(request: Request, environment: Path | None, warn: Say) -> Plan:
    if not Path(request.assembly).exists() and request.assembly != "-":
        env = request.env or "demo"
        raise BadSource(f"{request.assembly}: is not there. Make it with `make synth ENV={env} CHECKS=off`")
    # The day matters to checks alone.
    facts = read(sources.read(request.assembly), date.min)
    if environment:
        check_made_from(environment, facts, request.assembly)
        if is_newer(environment, request.assembly):
            warn(f"{environment} was changed after {request.assembly} was made: `make synth` first if its add-ons did")
    return plan_of(facts, request.assembly)


def _ask(account: Account, plan: Plan, *, latest: bool, warn: Say) -> Versions:
    found: Versions = {}
    for kubernetes, addons in plan.addons.items():
        for addon, compute_types in addons.items():
            choice = choose(account, addon, kubernetes, compute_types, latest=latest)
            found.setdefault(kubernetes, {})[addon] = choice.version
            if choice.note:
                warn(f"{addon} {choice.version} for Kubernetes {kubernetes}: {choice.note}")
    return _sorted(found)


def _warn_of_named(plan: Plan, old: Versions | None, new: Versions, warn: Say) -> None:
    """Says where the environment file names a version itself: it goes before the lock file."""
    for (kubernetes, addon), versions in sorted(plan.named.items()):
        locked = {(old or {}).get(kubernetes, {}).get(addon), new[kubernetes][addon]}
        if others := sorted(versions - locked):
            warn(
                f"{addon} for Kubernetes {kubernetes}: the assembly has {', '.join(others)}. If the environment file"
                f" names it (addons.{addon}.version), that goes before the lock file; else synthesise again"
            )


def _sorted(versions: Versions) -> Versions:
    by_number = sorted(versions, key=order)
    return {kubernetes: dict(sorted(versions[kubernetes].items())) for kubernetes in by_number}


_KEYS = {"addons", "settings"}
_WORDS = ("$id", "$schema", "default", "description", "examples", "title")


def _schemas(account: Account, versions: Versions) -> Schemas:
    """Asks EKS for the settings of each version. Raises AccountError."""
    found: Schemas = {}
    for addon, version in sorted({pair for row in versions.values() for pair in row.items()}):
        text = account.one(
            "eks", "describe_addon_configuration", "configurationSchema", addonName=addon, addonVersion=version
        )
        try:
            schema = json.loads(text or "{}")
        except ValueError:
            raise AccountError(
                f"eks:DescribeAddonConfiguration in {account.region}: the schema of {addon} is not JSON"
            ) from None
        if schema:
            found.setdefault(addon, {})[version] = json.dumps(_plain(schema), sort_keys=True, separators=(",", ":"))
    return found


def _plain(schema: Any, *, names: bool = False) -> Any:
    """Returns a schema without its words. ``names``: its keys are names of settings, which may be called like words."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _plain(one, names=not names and key in ("properties", "definitions", "$defs", "patternProperties"))
        for key, one in schema.items()
        if names or key not in _WORDS
    }


def load_schemas(file: Path) -> Schemas:
    """Returns the schemas of a lock file."""
    schemas: Schemas = load_yaml(file).get("settings") or {}
    return schemas


def load(file: Path) -> Versions | None:
    """Returns what a lock file says; None = there is no file. Raises BadSource: a file that is something else is not replaced."""
    if not file.exists():
        return None
    data = load_yaml(file)
    addons = data.get("addons") if isinstance(data, dict) and "addons" in data and set(data) <= _KEYS else None
    if not isinstance(addons, dict) or not all(_is_row(key, row) for key, row in addons.items()):
        raise BadSource(
            f"{file}: is not a lock file, so it is not replaced. Delete it, or write elsewhere with --output"
        )
    return _sorted(addons)


def _is_row(key: object, row: object) -> bool:
    texts = isinstance(row, dict) and all(isinstance(text, str) for pair in row.items() for text in pair)
    return isinstance(key, str) and bool(re.fullmatch(r"\d+\.\d+", key)) and texts


def rendered(versions: Versions, schemas: Schemas, request: Request, today: date, region: str) -> str:
    """Returns a lock file."""
    kind = "the latest version of each add-on." if request.latest else "its default version of each add-on."
    lines = [committed.written_by(request.arguments, today, region, kind), "addons:\n" if versions else "addons: {}\n"]
    for kubernetes, addons in versions.items():
        lines.append(f'  "{kubernetes}":\n')
        lines += [f"    {addon}: {version}\n" for addon, version in addons.items()]
    if schemas:
        lines.append(
            "# What each takes as settings: JSON schemas, which a synth holds addons.NAME.configuration against.\nsettings:\n"
        )
    for addon, row in sorted(schemas.items()):
        lines.append(f"  {addon}:\n")
        # A JSON text is a YAML text in quotes.
        lines += [f"    {version}: {json.dumps(text)}\n" for version, text in sorted(row.items())]
    return "".join(lines)


def differences(old: Versions, new: Versions) -> list[str]:
    """Returns what changed, a line each."""
    before = {(kubernetes, addon): version for kubernetes, row in old.items() for addon, version in row.items()}
    after = {(kubernetes, addon): version for kubernetes, row in new.items() for addon, version in row.items()}
    lines = []
    for key in _keys(before, after):
        if before.get(key) != after.get(key):
            older = " (older: a downgrade)" if key in after and order(after[key]) < order(before.get(key, "")) else ""
            lines.append(f"{key[0]} {key[1]}: {before.get(key, 'new')} → {after.get(key, 'no longer planned')}{older}")
    return lines


def _keys(*tables: dict[tuple[str, str], str]) -> list[tuple[str, str]]:
    keys = set().union(*tables)
    return sorted(keys, key=lambda key: (order(key[0]), key[1]))
