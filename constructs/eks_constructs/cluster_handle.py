"""A handle for a cluster: one typed object in place of loose names."""

from dataclasses import dataclass

from eks_constructs.roles import arn


@dataclass(frozen=True)
class ClusterHandle:
    """A reference to a cluster."""

    name: str
    """Its name, as the environment file has it."""
    ref: str
    """In its own stack a CloudFormation reference, which orders resources; elsewhere its name."""

    @property
    def arn(self) -> str:
        """Its ARN, built from its name: policies may name the cluster before it exists."""
        return arn("eks", f"cluster/{self.name}")


@dataclass(frozen=True)
class Joining:
    """What a node must know to join a cluster, where EKS does not tell it."""

    endpoint: str
    certificate_authority: str
    """Base64 of PEM."""
    service_cidr: str
    """Range of services, from which the kubelet knows the address of the cluster's DNS."""
