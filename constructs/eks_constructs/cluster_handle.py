"""How what is made for a cluster refers to it: one object, so that no name of something else is taken for the cluster's."""

from dataclasses import dataclass

from eks_constructs.roles import arn


@dataclass(frozen=True)
class ClusterHandle:
    """A cluster that something is made for."""

    name: str
    """Its name, as the environment file has it."""
    ref: str
    """What CloudFormation knows it by: a reference in its own stack, so that what uses it comes after it; elsewhere its name."""

    @property
    def arn(self) -> str:
        """Its ARN, made of its name: policies may name it before it is there."""
        return arn("eks", f"cluster/{self.name}")
