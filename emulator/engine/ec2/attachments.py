"""The attachments of VPCs to transit gateways: a store that ministack lacks."""

from typing import Any

from emulator.engine import port

_MADE: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}


def attachments() -> dict[str, dict[str, Any]]:
    """Returns those of the account and region of the request, by id."""
    return _MADE.setdefault((port.account_id(), port.region()), {})
