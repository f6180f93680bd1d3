"""An account for EKS's rules: what a test puts into it, and nothing else."""

from dataclasses import dataclass, field
from typing import Any

from emulator.engine.eks import access, addons, certificates, clusters, compute, identity_providers  # noqa: F401 - they register
from emulator.engine.eks.lookups import Role, Subnet
from emulator.engine.eks.service import Eks
from emulator.engine.eks.state import State

ARN = "arn:aws:iam::123456789012:role/"
AUTO_MODE = ("Cluster", "Compute", "LoadBalancing", "Networking")
POLICY = "arn:aws:iam::aws:policy/"


def trust(service: str, *actions: str) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": list(actions)}]}


@dataclass
class FakeAccount:
    """An account with two private subnets in two zones, a public one, and a role for each purpose."""

    subnets: dict[str, Subnet] = field(
        default_factory=lambda: {
            "subnet-a": Subnet("vpc-1", "us-east-1a", public=False),
            "subnet-b": Subnet("vpc-1", "us-east-1b", public=False),
            "subnet-c": Subnet("vpc-1", "us-east-1c", public=False),
            "subnet-public": Subnet("vpc-1", "us-east-1a", public=True),
            "subnet-local": Subnet("vpc-1", "us-east-1-bos-1a", public=False),
            "subnet-other": Subnet("vpc-2", "us-east-1b", public=False),
        }
    )
    roles: dict[str, Role] = field(
        default_factory=lambda: {
            f"{ARN}cluster": Role(trust("eks.amazonaws.com", "sts:AssumeRole"), frozenset()),
            f"{ARN}auto": Role(
                trust("eks.amazonaws.com", "sts:AssumeRole", "sts:TagSession"),
                frozenset(
                    f"{POLICY}AmazonEKS{name}Policy{version}"
                    for name, version in (*((one, "") for one in AUTO_MODE), ("BlockStorage", "V2"))
                ),
            ),
            f"{ARN}node": Role(
                trust("ec2.amazonaws.com", "sts:AssumeRole"),
                frozenset({f"{POLICY}AmazonEKSWorkerNodePolicy", f"{POLICY}AmazonEC2ContainerRegistryPullOnly"}),
            ),
            f"{ARN}pods": Role(trust("eks-fargate-pods.amazonaws.com", "sts:AssumeRole"), frozenset()),
            f"{ARN}app": Role(trust("pods.eks.amazonaws.com", "sts:AssumeRole", "sts:TagSession"), frozenset()),
            f"{ARN}nobody": Role({"Statement": []}, frozenset()),
        }
    )  # fmt: skip

    def subnet(self, subnet_id: str) -> Subnet | None:
        return self.subnets.get(subnet_id)

    def vpc_ranges(self, vpc_id: str) -> list[str]:
        return ["10.0.0.0/16", "10.1.0.0/16"] if vpc_id == "vpc-1" else []

    def role(self, arn: str) -> Role | None:
        return self.roles.get(arn)

    def principal_exists(self, arn: str) -> bool:
        return arn in self.roles

    def key_problem(self, arn: str) -> str:
        return "" if arn.endswith("key/good") else "the key does not exist"

    def launch_template(self, name_or_id: str) -> list[int] | None:
        return [1, 2] if name_or_id == "lt-1" else None

    def create_security_group(self, *_: Any) -> str:
        return "sg-eks"

    def delete_security_group(self, group_id: str) -> None:
        pass

    def security_group_vpc(self, group_id: str) -> str | None:
        return {"sg-1": "vpc-1", "sg-2": "vpc-2"}.get(group_id)


def service() -> Eks:
    """An EKS whose operations end at once."""
    return Eks(State("123456789012", "us-east-1", operation_seconds=0.0, patience_seconds=0.0), FakeAccount())


def settled(eks: Eks) -> Eks:
    eks.state.settle()
    return eks
