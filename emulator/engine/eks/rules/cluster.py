"""Rules for clusters: names, the network, Auto Mode, deletion."""

import re
from collections.abc import Iterator
from ipaddress import ip_network

from eks_facts import role_policies
from eks_facts.files import limit
from eks_facts.places import is_local_zone
from emulator.engine.eks.rules.table import API, GUIDE, IN_USE, INVALID, LIMIT, REQUEST, Call, role_problem, rule
from emulator.engine.eks.state import Refused


@rule("CreateCluster", page=f"{API}API_CreateCluster.html", code=IN_USE)
def cluster_name_free(call: Call) -> Iterator[str]:
    """A cluster's name is 1 to 100 letters, digits, hyphens and underscores, and not taken."""
    if not re.fullmatch(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}", call.cluster_name):
        raise Refused(INVALID, f"The cluster name '{call.cluster_name}' is not valid.")
    if call.cluster_name in call.state.clusters:
        yield f"Cluster already exists with name: {call.cluster_name}"


_CHILDREN = {
    "CreateNodegroup": ("nodegroup", "nodegroupName", "NodeGroup already exists with name {name} and cluster name {cluster}"),
    "CreateFargateProfile": ("fargateProfile", "fargateProfileName", "A Fargate Profile already exists with this name in this cluster."),
    "CreateAddon": ("addon", "addonName", "Addon already exists."),
    "CreateAccessEntry": ("accessEntry", "principalArn", "The specified access entry resource is already in use on this cluster."),
    "CreateCapability": ("capability", "capabilityName", "Capability already exists with name: {name}"),
}  # fmt: skip


@rule(*_CHILDREN, page=f"{API}API_CreateNodegroup.html", code=IN_USE)
def child_name_free(call: Call) -> Iterator[str]:
    """What belongs to a cluster has a name that is not taken."""
    kind, key, message = _CHILDREN[call.operation]
    name = call.get(key)
    if (kind, call.cluster_name, name) in call.state.children:
        yield message.format(name=name, cluster=call.cluster_name)


@rule(
    "CreateNodegroup",
    "CreateFargateProfile",
    "CreateAddon",
    "UpdateClusterConfig",
    "UpdateClusterVersion",
    "CreateCapability",
    "UpdateNodegroupVersion",
    "UpdateNodegroupConfig",
    "AssociateIdentityProviderConfig",
    "DisassociateIdentityProviderConfig",
    page=f"{API}API_UpdateClusterConfig.html",
    code=IN_USE,
)
def cluster_active(call: Call) -> Iterator[str]:
    """A cluster takes changes only while it is ACTIVE, so one update at a time."""
    if call.cluster["status"] != "ACTIVE":
        yield f"Cluster is not in ACTIVE status: {call.cluster_name} is {call.cluster['status']}"


@rule("UpdateClusterConfig", page=f"{API}API_UpdateClusterConfig.html")
def one_kind_of_update(call: Call) -> Iterator[str]:
    """One kind of change for each request."""
    auto_mode = {"computeConfig", "storageConfig", "kubernetesNetworkConfig"}
    kinds = {key for key in call.parameters if key not in ("name", "clientRequestToken")}
    if kinds & auto_mode:
        kinds = (kinds - auto_mode) | {"auto mode"}
    if len(kinds) != 1:
        yield f"Only one type of update can be allowed in each request; found: {', '.join(sorted(kinds)) or 'none'}"


@rule("CreateCluster", "UpdateClusterConfig", page=f"{GUIDE}network-reqs.html")
def two_zones(call: Call) -> Iterator[str]:
    """Subnets of one VPC, in at least two availability zones."""
    ids = call.get("resourcesVpcConfig", "subnetIds")
    if ids is None and call.operation == "UpdateClusterConfig":
        return
    subnets = {subnet_id: call.account.subnet(subnet_id) for subnet_id in ids or []}
    if missing := [subnet_id for subnet_id, subnet in subnets.items() if subnet is None]:
        yield f"The subnet ID '{missing[0]}' does not exist"
        return
    if len({subnet.vpc_id for subnet in subnets.values() if subnet}) > 1:
        yield "Provided subnets belong to different VPCs. Subnets must be from the same VPC"
    if len({subnet.zone for subnet in subnets.values() if subnet}) < 2:
        yield "Subnets specified must be in at least two different AZs"


@rule("CreateCluster", "UpdateClusterConfig", "CreateFargateProfile", page=f"{GUIDE}local-zones.html")
def no_local_zones(call: Call) -> Iterator[str]:
    """Neither control planes nor Fargate pods are in Local Zones."""
    fargate = call.operation == "CreateFargateProfile"
    for subnet_id in (call.get("subnets") if fargate else call.get("resourcesVpcConfig", "subnetIds")) or []:
        subnet = call.account.subnet(subnet_id)
        if subnet and is_local_zone(subnet.zone):
            yield f"Subnet {subnet_id} is in {subnet.zone}, which is no Availability Zone: nodes alone can be there"


@rule("UpdateClusterConfig", page=f"{GUIDE}network-reqs.html")
def zones_stay(call: Call) -> Iterator[str]:
    """A cluster keeps the AZs that it was made with."""
    ids = call.get("resourcesVpcConfig", "subnetIds")
    if ids is None:
        return
    mine, made = (
        ",".join(sorted({subnet.zone for subnet_id in some if (subnet := call.account.subnet(subnet_id))}))
        for some in (ids, call.cluster["resourcesVpcConfig"]["subnetIds"])
    )
    if mine != made:
        yield (
            f"Provided subnets belong to the AZs '{mine}'. But they should belong to the exact set of AZs '{made}' in which"
            " subnets were provided during cluster creation."
        )


@rule("CreateCluster", "UpdateClusterConfig", page=f"{GUIDE}cluster-endpoint.html")
def endpoint_reachable(call: Call) -> Iterator[str]:
    """At least one endpoint is on; at most 40 ranges may reach a public one."""
    config = call.get("resourcesVpcConfig") or {}
    if config.get("endpointPublicAccess") is False and not config.get("endpointPrivateAccess"):
        yield "Private and public endpoint access cannot be false"
    ranges = config.get("publicAccessCidrs") or []
    if len(ranges) > limit("public_access_cidrs"):
        raise Refused(
            LIMIT,
            f"{len(ranges)} public access CIDRs; the quota is {limit('public_access_cidrs')}",
        )
    for cidr in ranges:
        try:
            network = ip_network(cidr, strict=True)
        except ValueError:
            yield f"The following CIDRs are invalid in publicAccessCidrs: [{cidr}]"
            return
        if network.is_private and network.prefixlen > 0:
            yield f"The following CIDRs are not allowed in publicAccessCidrs: [{cidr}]"


@rule("CreateCluster", page=f"{GUIDE}sec-group-reqs.html")
def security_groups_of_vpc(call: Call) -> Iterator[str]:
    """Security groups are of the cluster's VPC."""
    ids = call.get("resourcesVpcConfig", "subnetIds") or []
    vpc = call.account.subnet(ids[0]) if ids else None
    for group in call.get("resourcesVpcConfig", "securityGroupIds") or []:
        found = call.account.security_group_vpc(group)
        if found is None:
            yield f"The security group '{group}' does not exist"
        elif vpc and found != vpc.vpc_id:
            yield f"Security group(s) {group} are not in the same VPC as the subnets. Please specify a security group in {vpc.vpc_id}"


@rule("CreateCluster", page=f"{GUIDE}cluster-iam-role.html")
def cluster_role_assumable(call: Call) -> Iterator[str]:
    """EKS can assume the cluster's role."""
    if problem := role_problem(call, call.get("roleArn"), "eks.amazonaws.com", "sts:AssumeRole"):
        yield problem


@rule("CreateCluster", "UpdateClusterConfig", page=f"{GUIDE}auto-cluster-iam-role.html")
def auto_mode_role(call: Call) -> Iterator[str]:
    """Auto Mode's cluster role trusts EKS with sts:TagSession too, and has the four policies beside AmazonEKSClusterPolicy."""
    if not call.get("computeConfig", "enabled"):
        return
    arn = call.get("roleArn") or call.cluster["roleArn"]
    if problem := role_problem(call, arn, "eks.amazonaws.com", "sts:AssumeRole", "sts:TagSession"):
        yield problem
        return
    role = call.account.role(arn)
    names = {policy.split("/")[-1] for policy in role.policies} if role else set()
    if missing := role_policies.missing("auto_mode_cluster", names):
        yield f"The cluster role {arn} is missing the following permissions for EKS Auto Mode: {', '.join(missing)}"


@rule("CreateCluster", page=f"{GUIDE}enable-kms.html")
def key_usable(call: Call) -> Iterator[str]:
    """The key exists, is enabled, symmetric and encrypts."""
    for entry in call.get("encryptionConfig") or []:
        arn = entry.get("provider", {}).get("keyArn", "")
        if problem := call.account.key_problem(arn):
            yield f"The keyArn in encryptionConfig provider {arn} is invalid: {problem}"


@rule("CreateCluster", "UpdateClusterConfig", page=f"{GUIDE}auto-enable-existing.html")
def auto_mode_together(call: Call) -> Iterator[str]:
    """Auto Mode is compute, load balancing and block storage, all on or all off."""
    settings = [
        call.get("computeConfig", "enabled"),
        call.get("kubernetesNetworkConfig", "elasticLoadBalancing", "enabled"),
        call.get("storageConfig", "blockStorage", "enabled"),
    ]
    if any(setting is not None for setting in settings) and len({bool(setting) for setting in settings}) > 1:
        yield (
            "For EKS Auto Mode, please ensure that all required configs, including computeConfig, kubernetesNetworkConfig,"
            " and blockStorage are all either fully enabled or fully disabled."
        )


@rule("CreateCluster", page=f"{GUIDE}automode-get-started-cli.html")
def auto_mode_without_self_managed(call: Call) -> Iterator[str]:
    """Auto Mode does not go with bootstrapSelfManagedAddons: true; left out it is false there."""
    if call.get("computeConfig", "enabled") and call.get("bootstrapSelfManagedAddons"):
        yield "When Auto Mode is enabled, bootstrapSelfManagedAddons must be set to false"


@rule("CreateCluster", "UpdateClusterConfig", page=f"{API}API_ComputeConfigRequest.html")
def node_pools_with_role(call: Call) -> Iterator[str]:
    """Built-in node pools are general-purpose and system, and come with a node role that EC2 can assume; a role with pools."""
    config = call.get("computeConfig") or {}
    pools, role = config.get("nodePools") or [], config.get("nodeRoleArn")
    if unknown := set(pools) - {"general-purpose", "system"}:
        yield f"Invalid node pool(s): {', '.join(sorted(unknown))}. Valid values are [general-purpose, system]"
    if config.get("enabled") and bool(pools) != bool(role):
        yield "When Compute Config nodeRoleArn is not null or empty, nodePool value(s) must be provided, and the other way round."
    elif role and (problem := role_problem(call, role, "ec2.amazonaws.com", "sts:AssumeRole")):
        yield problem


@rule("DeleteCluster", page=f"{GUIDE}deletion-protection.html", code=REQUEST)
def not_protected(call: Call) -> Iterator[str]:
    """Deletion protection refuses."""
    if call.cluster.get("deletionProtection"):
        yield f"Cannot delete cluster {call.cluster_name} because deletion protection is enabled"


@rule("UpdateClusterConfig", page=f"{GUIDE}control-plane-egress.html")
def egress_stays_routed(call: Call) -> Iterator[str]:
    """Egress that was routed through the customer's VPC does not go back to AWS."""
    wanted = call.get("resourcesVpcConfig", "controlPlaneEgressMode")
    present = call.cluster["resourcesVpcConfig"].get("controlPlaneEgressMode")
    if wanted == "AWS_MANAGED" and present == "CUSTOMER_ROUTED":
        yield "The control plane egress mode cannot be changed from CUSTOMER_ROUTED to AWS_MANAGED"


@rule("DeleteCluster", page=f"{API}API_DeleteCluster.html", code=IN_USE)
def nothing_attached(call: Call) -> Iterator[str]:
    """A cluster with node groups, Fargate profiles or capabilities is not deleted."""
    for kind, label in (
        ("nodegroup", "nodegroups"),
        ("fargateProfile", "Fargate profiles"),
        ("capability", "capabilities"),
    ):
        if any(True for _ in call.state.of(kind, call.cluster_name)):
            yield f"Cluster has {label} attached"


@rule("DeleteCluster", page=f"{API}API_DeleteCluster.html", code=IN_USE)
def cluster_settled(call: Call) -> Iterator[str]:
    """A cluster is deleted once it is settled."""
    if call.cluster["status"] in ("CREATING", "UPDATING", "DELETING"):
        yield f"Cannot delete because cluster {call.cluster_name} currently has status {call.cluster['status']}"
