"""Facts that only an account shows: things without a CloudFormation type."""

from __future__ import annotations

from datetime import UTC, date, datetime

from responsibility.findings import Evidence
from responsibility.reading.eks import OfCluster
from responsibility.reading.facts import Fact
from responsibility.reading.properties import Prop


class Capability(OfCluster):
    """An EKS capability: ``AWS::EKS::Capability``."""

    what = "capability"
    name_path = "CapabilityName"


class CertificateAuthority(OfCluster):
    """A root that signs, or will sign, the cluster's certificates: ``AWS::EKS::CertificateAuthority``."""

    what = "certificate authority"
    name_path = "Id"


class Insight(OfCluster):
    """One of EKS's own checks of a cluster: `aws eks describe-insight`."""

    what = "insight"
    name_path = "Name"
    category = Prop("Category", "")
    status = Prop("InsightStatus.Status", "")


class Update(OfCluster):
    """A change of a cluster, done or under way: `aws eks describe-update`."""

    what = "update"
    name_path = "Type"
    status = Prop("Status", "")


class Node(OfCluster):
    """An EC2 instance that EKS started: by its tags, one of Auto Mode or of a managed node group."""

    what = "node"
    name_path = "InstanceId"
    pool = Prop("NodePool", "")
    """The Auto Mode node pool it is of; empty = none."""
    group = Prop("NodegroupName", "")
    """The managed node group it is of; empty = none."""

    @property
    def age(self) -> int:
        """Whole days since it was started. Raises UnknownValue."""
        return (self.facts.as_of - day(self.get("LaunchTime"))).days


class Comparison(OfCluster):
    """What a template says of something that EKS keeps, and how it is: one for each difference, or one for none."""

    what = "resource"

    @property
    def words(self) -> str:
        """What and which: ``Addon demo/addon/vpc-cni``."""
        return f"{self.resource.properties['Of']} {self.resource.properties['Name']}"

    @property
    def places(self) -> tuple[Evidence, ...]:
        """Where it is in the account, and in the template."""
        return tuple(self.resource.properties["At"])


class MissingPrincipal(Fact):
    """An IAM role or user that something names and that does not exist."""

    what = "IAM principal"
    name_path = "Arn"


def day(moment: object) -> date:
    """Returns the day of a point in time, in UTC. Raises ValueError for what is none."""
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).date()
    return date.fromisoformat(str(moment)[:10])
