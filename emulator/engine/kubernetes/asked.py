"""What EKS was asked for, of one cluster, as plain data for the simulated nodes."""

import copy
from typing import Any

from emulator.engine.account import Account
from emulator.engine.eks.state import State
from emulator.engine.kubernetes.joined import joined
from local_kubernetes.nodes.compute import Compute

_THERE = ("ACTIVE", "UPDATING", "DEGRADED")


def what_is_asked(state: State, account: Account, cluster: str) -> Compute | None:
    """Returns it; None: the cluster is gone."""
    with state.lock:
        state.settle()  # nobody else may ask EKS for a while
        record = state.clusters.get(cluster)
        if record is None:
            return None

        def there(kind: str) -> list[Any]:
            return copy.deepcopy([one for one in state.of(kind, cluster) if one["status"] in _THERE])

        groups, profiles = there("nodegroup"), there("fargateProfile")
        names = {*record["resourcesVpcConfig"]["subnetIds"]}
        for one in (*groups, *profiles):
            names |= set(one.get("subnets", []))
        subnets = {name: found for name in names if (found := account.subnet(name))}
        return Compute(
            cluster=copy.deepcopy(record),
            nodegroups=groups,
            fargate_profiles=profiles,
            subnets={name: {"zone": one.zone, "public": one.public} for name, one in subnets.items()},
            addons=there("addon"),
            instances=joined(state, cluster),
        )
