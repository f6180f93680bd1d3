"""What Windows nodes ask of a cluster. https://docs.aws.amazon.com/eks/latest/userguide/windows-support.html."""

from collections.abc import Sequence

from eks_constructs.compute.ec2_nodes.group import Ec2GroupSpec
from eks_constructs.control_plane import ClusterRights
from eks_constructs.spec import Misplaced

_PAGE = "https://docs.aws.amazon.com/eks/latest/userguide/windows-support.html"


def windows_rights(groups: Sequence[Ec2GroupSpec]) -> ClusterRights:
    """Returns what the cluster's role needs: a controller of the control plane gives Windows pods their addresses."""
    return ClusterRights(managed=("AmazonEKSVPCResourceController",) if any(group.windows for group in groups) else ())


def check_windows_network(groups: Sequence[Ec2GroupSpec], *, own_pod_subnets: bool, ipv6: bool) -> None:
    """Raises Misplaced, from the section, where Windows pods would get no addresses."""
    for index, group in enumerate(groups):
        problem = "IPv6" if ipv6 else "pod subnets of their own (custom networking)" if own_pod_subnets else None
        if group.windows and problem:
            raise Misplaced(
                f"Windows nodes have no {problem} ({_PAGE}); remove one of the two", "groups", index, "ami_type"
            )
