"""Facts about storage that templates make and pods may use."""

from __future__ import annotations

from responsibility.reading.facts import Fact
from responsibility.reading.network import Subnet
from responsibility.reading.placement import Placement


class Storage(Fact):
    """A file system or volume: ``AWS::EFS::FileSystem``, ``AWS::FSx::FileSystem``, ``AWS::EC2::Volume``."""

    what = "storage"

    @property
    def subnets(self) -> list[Subnet]:
        """The subnets it is reached in."""
        targets = self.facts.pointing("AWS::EFS::MountTarget", "FileSystemId", self)
        values = [target.resource.maybe("SubnetId") for target in targets]
        return self.facts.find_all(Subnet, [*values, *self.resource.maybe("SubnetIds", [])])

    @property
    def serves_a_cluster(self) -> bool:
        """Whether pods may use it: a Kubernetes object names it, or it is reached in a cluster's VPC."""
        placement = self.facts.view(Placement)
        if self.resource.key in placement.mentioned:
            return True
        return any(subnet.vpc and placement.uses(subnet.vpc) for subnet in self.subnets)

    def policy(self, name: str) -> str:
        """Returns ``DeletionPolicy`` or ``UpdateReplacePolicy``; empty = no template made it. The default is Delete."""
        template = self.resource.template
        return str(template.body["Resources"].get(self.resource.id, {}).get(name, "Delete")) if template else ""
