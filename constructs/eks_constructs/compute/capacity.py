"""How nodes are bought, for every kind of compute that has EC2 instances."""

from typing import Annotated, Literal

from eks_constructs.spec import also_spelled

ON_DEMAND_AND_SPOT = {"ON_DEMAND": "on-demand", "on_demand": "on-demand", "SPOT": "spot"}
"""Spellings of the API of node groups (https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html, capacityType)."""

GroupCapacity = Annotated[
    Literal["on-demand", "spot", "capacity-block"],
    also_spelled({**ON_DEMAND_AND_SPOT, "CAPACITY_BLOCK": "capacity-block", "capacity_block": "capacity-block"}),
]
"""Of a group."""
PoolCapacity = Annotated[Literal["on-demand", "spot", "reserved"], also_spelled(ON_DEMAND_AND_SPOT)]
"""Of a node pool, as Karpenter names them."""
