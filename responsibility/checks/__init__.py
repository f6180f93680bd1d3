"""The checks: each tests one of the customer's duties. One folder per part of the model; modules are discovered."""

import pkgutil
from functools import cache
from importlib import import_module

from responsibility.checks.check import REGISTRY, Check
from responsibility.findings import Origin


@cache
def _load() -> None:
    for area in pkgutil.iter_modules(__path__, f"{__name__}."):
        if area.ispkg:
            for module in pkgutil.iter_modules(import_module(area.name).__path__, f"{area.name}."):
                import_module(module.name)


def all_checks(origin: Origin | None = None) -> list[Check]:
    """Returns every check, or those that make sense for an origin, by code."""
    _load()
    return [REGISTRY[code] for code in sorted(REGISTRY) if origin is None or REGISTRY[code].info.only in (None, origin)]
