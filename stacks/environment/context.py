"""Options beside the environment file: the CDK's context, `-c key=value` over cdk.json."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from safe_io.errors import BadInput
from safe_io.json_text import load_json
from safe_io.terminal import one_line
from safe_io.text_file import read_text
from safe_io.where import shown

if TYPE_CHECKING:
    from stacks.environment.workload_spec import Delivery

MAX_BYTES = 1_000_000


@dataclass(frozen=True)
class SynthOptions:
    """This project's own keys of the context. The environment itself: stacks/environment/path.py."""

    today: date | None
    """``today=YYYY-MM-DD``: the day for support dates; None is today."""
    checks: bool
    """``checks=on`` (the default) or ``off``: whether to check what is synthesised."""
    delivery: "Delivery | None"
    """``delivery=files`` or ``kubectl``: how Kubernetes objects are delivered, whatever the file says."""
    before_pools: tuple[str, ...]
    """``before_pools=NAME,NAME``: clusters whose node pools `make apply` has yet to make: add-ons that need these nodes are left out."""
    sizes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """``sizes=CLUSTER/GROUP:NUMBER,...``: desired sizes of node groups whose size the file does not name."""


def read_context(cdk_json: Path, from_cli: str | None) -> dict[str, Any]:
    """Returns the context: the CLI's (CDK_CONTEXT_JSON) over that of cdk.json.

    So `python app.py` makes the same templates without the CLI. Raises BadInput.
    """
    file = load_json(read_text(cdk_json, max_bytes=MAX_BYTES), cdk_json)
    context = file.get("context", {}) if isinstance(file, dict) else None
    if not isinstance(context, dict):
        raise BadInput(one_line(f"{cdk_json}: must be a mapping with `context`, a mapping; restore it from Git"))
    handed = load_json(from_cli, "CDK_CONTEXT_JSON") if from_cli else {}
    if not isinstance(handed, dict):
        raise BadInput(one_line(f"CDK_CONTEXT_JSON is {shown(handed)}; it must be a mapping of keys and values"))
    return {**context, **handed}


def synth_options(context: dict[str, Any]) -> SynthOptions:
    """Returns the options in the context. Raises BadInput."""
    from stacks.environment.workload_spec import Delivery

    return SynthOptions(
        today=_today(context.get("today")),
        checks=_one_of("checks", context.get("checks"), ("on", "off")) != "off",
        delivery=cast("Delivery | None", _one_of("delivery", context.get("delivery"), get_args(Delivery))),
        before_pools=_names("before_pools", context),
        sizes=_sizes(context.get("sizes")),
    )


def _today(value: object) -> date | None:
    if value in (None, ""):
        return None
    try:
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise _bad("today", value, "it must be a date such as 2026-11-23")


def _one_of(key: str, value: object, allowed: tuple[str, ...]) -> str | None:
    if value is None or (isinstance(value, str) and value in allowed):
        return value
    raise _bad(key, value, f"allowed: {', '.join(allowed)}")


def _names(key: str, context: Mapping[str, Any]) -> tuple[str, ...]:
    value = context.get(key)
    if value is None:
        return ()
    if not isinstance(value, str):
        raise _bad(key, value, "it must be names of clusters, with commas between them")
    return tuple(name.strip() for name in value.split(",") if name.strip())


def _sizes(value: object) -> dict[tuple[str, str], int]:
    if value in (None, ""):
        return {}
    found = {}
    for one in value.split(",") if isinstance(value, str) else [""]:
        match = re.fullmatch(r"([A-Za-z0-9-]{1,100})/([a-z0-9-]{1,63}):(\d{1,4})", one)
        if not match:
            raise _bad("sizes", value, "it must be CLUSTER/GROUP:NUMBER, with commas between them")
        found[match[1], match[2]] = int(match[3])
    return found


def _bad(key: str, value: object, allowed: str) -> BadInput:
    return BadInput(one_line(f"{key} is {shown(value)}; {allowed} (-c {key}=...)"))
