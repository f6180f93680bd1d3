"""Rules for EKS Hybrid Nodes: the ranges of machines that are not AWS's, and of their pods."""

from collections.abc import Iterator
from ipaddress import IPv4Network, ip_network

from eks_facts.remote_networks import most_ranges, overlapping, range_problem
from emulator.engine.eks.rules.table import API, GUIDE, LIMIT, Call, rule
from emulator.engine.eks.state import Refused

_MEMBERS = ("remoteNodeNetworks", "remotePodNetworks")
Range = tuple[str, IPv4Network]


def _asked(call: Call) -> dict[str, list[str]]:
    """Returns the ranges that a cluster is to have: what an update does not name stays."""
    asked = call.get("remoteNetworkConfig") or {}
    before = call.cluster.get("remoteNetworkConfig", {}) if call.operation == "UpdateClusterConfig" else {}
    merged = {**before, **asked}
    return {name: [cidr for one in merged.get(name) or [] for cidr in one.get("cidrs") or []] for name in _MEMBERS}


@rule("CreateCluster", "UpdateClusterConfig", page=f"{API}API_RemoteNodeNetwork.html")
def remote_ranges_private(call: Call) -> Iterator[str]:
    """Remote networks are private IPv4 ranges (RFC 1918), in one list of nodes and one of pods, at most 15 in each."""
    asked = call.get("remoteNetworkConfig") or {}
    for name in _MEMBERS:
        if len(asked.get(name) or []) > 1:
            yield f"Invalid length for parameter remoteNetworkConfig.{name}, value: {len(asked[name])}, valid max length: 1"
    for name, ranges in _asked(call).items() if asked else ():
        for cidr in ranges:
            if problem := range_problem(cidr):
                yield f"{name}: {cidr} {problem}"
        if len(ranges) > most_ranges():
            raise Refused(LIMIT, f"{len(ranges)} CIDRs in {name}; the quota is {most_ranges()}")


@rule("CreateCluster", "UpdateClusterConfig", page=f"{GUIDE}hybrid-nodes-networking.html")
def remote_ranges_apart(call: Call) -> Iterator[str]:
    """Remote networks overlap neither each other nor the VPC nor the Services."""
    if not call.get("remoteNetworkConfig"):
        return
    remote: list[Range] = [
        (f"{name} {cidr}", IPv4Network(cidr)) for name, ranges in _asked(call).items() for cidr in ranges
    ]
    config = call.get("resourcesVpcConfig") or call.cluster["resourcesVpcConfig"]
    subnet = call.account.subnet(config["subnetIds"][0])
    others: list[Range] = [
        (f"the VPC's {cidr}", IPv4Network(cidr)) for cidr in call.account.vpc_ranges(subnet.vpc_id if subnet else "")
    ]
    made = call.cluster if call.operation == "UpdateClusterConfig" else call.parameters
    services = (made.get("kubernetesNetworkConfig") or {}).get("serviceIpv4Cidr")
    if services and isinstance(block := ip_network(services), IPv4Network):
        others.append((f"the Services' {services}", block))
    for one, other in overlapping(remote, others):
        yield f"{one} overlaps {other}"


@rule("CreateCluster", "UpdateClusterConfig", page=f"{GUIDE}hybrid-nodes-cluster-create.html")
def hybrid_cluster_fits(call: Call) -> Iterator[str]:
    """A cluster with hybrid nodes has IPv4, and the authentication mode API or API_AND_CONFIG_MAP."""
    if not any(_asked(call).values()):
        return
    before = call.cluster if call.operation == "UpdateClusterConfig" else {}
    family = (call.get("kubernetesNetworkConfig") or before.get("kubernetesNetworkConfig") or {}).get(
        "ipFamily", "ipv4"
    )
    if family != "ipv4":
        yield "remoteNetworkConfig is supported for clusters of the IPv4 address family only"
    mode = (call.get("accessConfig") or before.get("accessConfig") or {}).get("authenticationMode", "CONFIG_MAP")
    if mode == "CONFIG_MAP":
        yield "remoteNetworkConfig needs the cluster's authentication mode to be one of [API, API_AND_CONFIG_MAP]"
