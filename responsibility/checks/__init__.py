"""The checks: each tests one duty of the customer's side. One module per part of the model."""

from importlib import import_module

from responsibility.checks.check import REGISTRY, Check

_MODULES = ("control_plane",)


def all_checks() -> list[Check]:
    """Returns every check, by code."""
    for module in _MODULES:
        import_module(f"responsibility.checks.{module}")
    return [REGISTRY[code] for code in sorted(REGISTRY)]
