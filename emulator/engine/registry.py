"""Prints the emulator's types, operations and rules as JSON, from the engine's environment, for emulator/readme.py."""

import json
from typing import Any

from emulator.engine import iam, log_delivery, port, roles_anywhere
from emulator.engine.ec2 import resource_types as ec2_types
from emulator.engine.eks import access, addons, certificates, clusters, compute  # noqa: F401 - they register their operations
from emulator.engine.eks.resource_types import EKS_TYPES
from emulator.engine.eks.rules import RULES
from emulator.engine.eks.service import OPERATIONS
from emulator.engine.guards import GUARDS
from emulator.engine.kubernetes import identity, joined, load_balancers, running  # noqa: F401 - they fill the table
from emulator.engine.kubernetes.table import NOT_SIMULATED, ROWS
from emulator.engine.provider import RESOURCE_TYPES


def registry() -> dict[str, Any]:
    """Returns resource types, operations and rules."""
    ec2_types.install()
    iam.install()
    log_delivery.install()
    roles_anywhere.install()
    return {
        "ours": sorted([*RESOURCE_TYPES, *EKS_TYPES]),
        "ministack": sorted(name for name in port.resource_handlers if name.startswith("AWS::")),
        "operations": sorted(OPERATIONS),
        "rules": [
            {"name": rule.name, "on": list(rule.operations), "says": rule.says, "page": rule.page} for rule in RULES
        ],
        "kubernetes": [{"name": row.name, "on": list(row.kinds), "says": row.says, "page": row.page} for row in ROWS],
        "not_simulated": list(NOT_SIMULATED),
        "guards": [
            {"name": guard.name, "on": [f"{guard.moment} {kind}" for kind in guard.types], "says": guard.says, "page": guard.page}
            for guard in GUARDS
        ],
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(registry()))
