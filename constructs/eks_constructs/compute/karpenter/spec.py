"""Karpenter: an autoscaler for EC2 nodes that you run. Auto Mode is the same software, run by AWS."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from eks_constructs.compute.node_pools import NodePoolSpec
from eks_constructs.spec import Misplaced, Spec, pattern, repeated


def _distinct(pools: list[NodePoolSpec]) -> list[NodePoolSpec]:
    names = [pool.name for pool in pools]
    if (index := repeated(names)) is not None:
        raise Misplaced(f"{names[index]} is the name of two; choose another", index, "name")
    return pools


class KarpenterSpec(Spec):
    """Nodes that Karpenter adds when pods have no room, and removes when they are idle. It runs on the managed nodes."""

    node_pools: Annotated[list[NodePoolSpec], AfterValidator(_distinct)] = []
    """Which nodes it may add. Without any it is installed, with a node class `default`, for pools that something else brings."""
    version: (
        Annotated[str, pattern(r"\d{1,3}\.\d{1,3}\.\d{1,3}", "must be a version of Karpenter, such as 1.14.1")] | None
    ) = None
    """Of Karpenter and its charts (default: this project's)."""
    values: Annotated[dict[str, Any], Field(examples=[{"replicas": 2}])] = {}
    """Settings of its chart, merged into ours."""
    ami: Annotated[
        str,
        pattern(
            r"al2023@(latest|v\d{8})|bottlerocket@(latest|v?\d{1,3}\.\d{1,3}\.\d{1,3})",
            "must be an AMI alias, such as al2023@latest or bottlerocket@v1.50.0",
        ),
    ] = "al2023@latest"
    """Operating system. With `latest` Karpenter replaces nodes, within the pools' budgets, when AWS publishes an AMI;
    a version makes that your step (https://karpenter.sh/docs/tasks/managing-amis/)."""
    volume_gib: Annotated[int, Field(ge=20, le=16384)] = 50
    """Size of a node's volume for images and logs. It is encrypted with the account's key for EBS."""

    @property
    def system(self) -> str:
        """Operating system of the nodes: al2023 or bottlerocket."""
        return self.ami.partition("@")[0]
