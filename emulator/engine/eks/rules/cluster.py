"""What EKS says of clusters: names, versions, the network, Auto Mode, deletion."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from ipaddress import ip_network

from eks_facts.files import limit
from eks_facts.versions import kubernetes_versions
from emulator.engine.eks.rules.table import API, GUIDE, IN_USE, INVALID, LIMIT, REQUEST, Call, role_problem, rule
from emulator.engine.eks.state import Refused, now

ROLLBACK_WINDOW = timedelta(days=7)


@rule("CreateCluster", says="A cluster's name is 1 to 100 letters, digits, hyphens and underscores, and not taken.",
      page=f"{API}API_CreateCluster.html", code=IN_USE)  # fmt: skip
def cluster_name_free(call: Call) -> Iterator[str]:
    """Refuses a name twice."""
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


@rule(*_CHILDREN, says="What belongs to a cluster has a name that is not taken.",
      page=f"{API}API_CreateNodegroup.html", code=IN_USE)  # fmt: skip
def child_name_free(call: Call) -> Iterator[str]:
    """Refuses a name twice."""
    kind, key, message = _CHILDREN[call.operation]
    name = call.get(key)
    if (kind, call.cluster_name, name) in call.state.children:
        yield message.format(name=name, cluster=call.cluster_name)


@rule("CreateNodegroup", "CreateFargateProfile", "CreateAddon", "UpdateClusterConfig", "UpdateClusterVersion",
      "CreateCapability", "UpdateNodegroupVersion", "UpdateNodegroupConfig",
      says="A cluster takes changes only while it is ACTIVE, so one update at a time.",
      page=f"{API}API_UpdateClusterConfig.html", code=IN_USE)  # fmt: skip
def cluster_active(call: Call) -> Iterator[str]:
    """Refuses changes while the cluster is made, changed or deleted."""
    if call.cluster["status"] != "ACTIVE":
        yield f"Cluster is not in ACTIVE status: {call.cluster_name} is {call.cluster['status']}"


@rule("UpdateClusterConfig", says="One kind of change for each request.", page=f"{API}API_UpdateClusterConfig.html")
def one_kind_of_update(call: Call) -> Iterator[str]:
    """Refuses a request that changes several things."""
    auto_mode = {"computeConfig", "storageConfig", "kubernetesNetworkConfig"}
    kinds = {key for key in call.parameters if key not in ("name", "clientRequestToken")}
    if kinds & auto_mode:
        kinds = (kinds - auto_mode) | {"auto mode"}
    if len(kinds) != 1:
        yield f"Only one type of update can be allowed in each request; found: {', '.join(sorted(kinds)) or 'none'}"


@rule("CreateCluster", "UpdateClusterVersion", says="Only Kubernetes versions that EKS offers.",
      page=f"{GUIDE}kubernetes-versions.html")  # fmt: skip
def version_offered(call: Call) -> Iterator[str]:
    """Refuses versions that are unknown."""
    version = call.get("version")
    if version and version not in kubernetes_versions():
        yield f"unsupported Kubernetes version {version}"


@rule("CreateCluster", "UpdateClusterConfig", says="STANDARD is for versions in standard support.",
      page=f"{GUIDE}disable-extended-support.html")  # fmt: skip
def standard_support_in_time(call: Call) -> Iterator[str]:
    """Refuses to switch extended support off once it began."""
    if call.get("upgradePolicy", "supportType") != "STANDARD":
        return
    version = call.get("version") if call.operation == "CreateCluster" else call.cluster["version"]
    ends = _standard_until(version)
    if ends and now().date() > ends:
        yield f"Kubernetes version {version} is in extended support since {ends}: the upgrade policy STANDARD cannot be selected for it"


@rule(
    "UpdateClusterVersion",
    says="An update goes one minor version up, or back as a rollback.",
    page=f"{GUIDE}update-cluster.html",
)
def one_minor_version(call: Call) -> Iterator[str]:
    """Refuses to skip a version, and to stay."""
    old, new = call.cluster["version"], call.get("version")
    if new == old:
        yield f"The cluster already has Kubernetes version {new}"
    elif _step(call) not in (1, -1, None):
        yield f"Unsupported Kubernetes minor version update from {old} to {new}"


@rule("UpdateClusterVersion", says="A rollback comes within 7 days of the upgrade that it takes back, which was the last one.",
      page=f"{GUIDE}rollback-cluster.html", code=REQUEST)  # fmt: skip
def rollback_in_time(call: Call) -> Iterator[str]:
    """Refuses to go back later, and where the cluster was made with its version or has been rolled back."""
    if _step(call) != -1:
        return
    upgraded = call.cluster.get("_upgraded")
    old, new = call.cluster["version"], call.get("version")
    if upgraded is None:
        yield f"The cluster was not upgraded to {old} in place: it cannot be rolled back to {new}"
    elif now() - upgraded > ROLLBACK_WINDOW:
        yield f"The cluster was upgraded to {old} on {upgraded:%Y-%m-%d}: a rollback comes within {ROLLBACK_WINDOW.days} days"


@rule("UpdateClusterVersion", says="A rollback to a version in extended support needs the upgrade policy EXTENDED.",
      page=f"{GUIDE}rollback-cluster.html", code=REQUEST)  # fmt: skip
def rollback_with_extended_support(call: Call) -> Iterator[str]:
    """Refuses to go back into extended support that the cluster does not have."""
    ends = _standard_until(call.get("version"))
    if (
        _step(call) == -1
        and ends
        and now().date() > ends
        and call.cluster["upgradePolicy"]["supportType"] == "STANDARD"
    ):
        yield f"Kubernetes version {call.get('version')} is in extended support: first change the upgrade policy to EXTENDED"


def _standard_until(version: str | None) -> date | None:
    found = kubernetes_versions().get(version or "")
    return found.standard_until if found else None


def _step(call: Call) -> int | None:
    """How many minor versions up UpdateClusterVersion goes; None: it is no version that EKS offers, of which another rule tells."""
    versions = list(kubernetes_versions())
    old, new = call.cluster["version"], call.get("version")
    return versions.index(new) - versions.index(old) if new in versions and old in versions else None


@rule("UpdateClusterVersion",
      says="A control plane moves up only when its managed node groups have its version, and back when they have gone back.",
      page=f"{API}API_UpdateClusterVersion.html")  # fmt: skip
def nodes_caught_up(call: Call) -> Iterator[str]:
    """Refuses to leave managed nodes behind; of a rollback, nodes that would be ahead, unless it is forced."""
    rollback = _step(call) == -1
    wanted = call.get("version") if rollback else call.cluster["version"]
    others = [
        group["nodegroupName"]
        for group in call.state.of("nodegroup", call.cluster_name)
        if group["version"] != wanted
        and not (rollback and (call.get("force") or _minor(group["version"]) < _minor(wanted)))
    ]
    if others and rollback:
        yield f"Kubelet version skew: roll node group(s) {', '.join(sorted(others))} back to {wanted} before the control plane"
    elif others:
        yield f"Nodegroup(s) {', '.join(sorted(others))} must be updated to match cluster version before updating cluster version"


def _minor(version: str) -> int:
    return int(version.split(".")[1])


@rule("CreateCluster", "UpdateClusterConfig", says="Subnets of one VPC, in at least two availability zones.",
      page=f"{GUIDE}network-reqs.html")  # fmt: skip
def two_zones(call: Call) -> Iterator[str]:
    """Refuses fewer zones, and subnets that do not exist."""
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


@rule("UpdateClusterConfig", says="A cluster keeps the AZs that it was made with.", page=f"{GUIDE}network-reqs.html")
def zones_stay(call: Call) -> Iterator[str]:
    """Refuses subnets of another set of AZs."""
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


@rule("CreateCluster", "UpdateClusterConfig", says="At least one endpoint is on; at most 40 ranges may reach a public one.",
      page=f"{GUIDE}cluster-endpoint.html")  # fmt: skip
def endpoint_reachable(call: Call) -> Iterator[str]:
    """Refuses a cluster that nobody reaches, and ranges that are none."""
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


@rule("CreateCluster", says="Security groups are of the cluster's VPC.", page=f"{GUIDE}sec-group-reqs.html")
def security_groups_of_vpc(call: Call) -> Iterator[str]:
    """Refuses groups of another VPC."""
    ids = call.get("resourcesVpcConfig", "subnetIds") or []
    vpc = call.account.subnet(ids[0]) if ids else None
    for group in call.get("resourcesVpcConfig", "securityGroupIds") or []:
        found = call.account.security_group_vpc(group)
        if found is None:
            yield f"The security group '{group}' does not exist"
        elif vpc and found != vpc.vpc_id:
            yield f"Security group(s) {group} are not in the same VPC as the subnets. Please specify a security group in {vpc.vpc_id}"


@rule("CreateCluster", says="EKS can assume the cluster's role.", page=f"{GUIDE}cluster-iam-role.html")
def cluster_role_assumable(call: Call) -> Iterator[str]:
    """Refuses a role that does not trust EKS."""
    if problem := role_problem(call, call.get("roleArn"), "eks.amazonaws.com", "sts:AssumeRole"):
        yield problem


_AUTO_MODE_POLICIES = (
    "AmazonEKSComputePolicy", "AmazonEKSLoadBalancingPolicy", "AmazonEKSNetworkingPolicy",
)  # fmt: skip


@rule("CreateCluster", "UpdateClusterConfig",
      says="Auto Mode's cluster role trusts EKS with sts:TagSession too, and has the four policies beside AmazonEKSClusterPolicy.",
      page=f"{GUIDE}auto-cluster-iam-role.html")  # fmt: skip
def auto_mode_role(call: Call) -> Iterator[str]:
    """Refuses a role that Auto Mode could not work with."""
    if not call.get("computeConfig", "enabled"):
        return
    arn = call.get("roleArn") or call.cluster["roleArn"]
    if problem := role_problem(call, arn, "eks.amazonaws.com", "sts:AssumeRole", "sts:TagSession"):
        yield problem
        return
    role = call.account.role(arn)
    names = {policy.split("/")[-1] for policy in role.policies} if role else set()
    wanted = ["AmazonEKSClusterPolicy", *_AUTO_MODE_POLICIES]
    if not names & {"AmazonEKSBlockStoragePolicy", "AmazonEKSBlockStoragePolicyV2"}:
        wanted.append("AmazonEKSBlockStoragePolicyV2")
    if missing := [policy for policy in wanted if policy not in names]:
        yield f"The cluster role {arn} is missing the following permissions for EKS Auto Mode: {', '.join(missing)}"


@rule("CreateCluster", says="The key exists, is enabled, symmetric and encrypts.", page=f"{GUIDE}enable-kms.html")
def key_usable(call: Call) -> Iterator[str]:
    """Refuses keys that could not encrypt."""
    for entry in call.get("encryptionConfig") or []:
        arn = entry.get("provider", {}).get("keyArn", "")
        if problem := call.account.key_problem(arn):
            yield f"The keyArn in encryptionConfig provider {arn} is invalid: {problem}"


@rule("CreateCluster", "UpdateClusterConfig",
      says="Auto Mode is compute, load balancing and block storage, all on or all off.",
      page=f"{GUIDE}auto-enable-existing.html")  # fmt: skip
def auto_mode_together(call: Call) -> Iterator[str]:
    """Refuses one or two of the three."""
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


@rule("CreateCluster", says="Auto Mode does not go with bootstrapSelfManagedAddons: true; left out it is false there.",
      page=f"{GUIDE}automode-get-started-cli.html")  # fmt: skip
def auto_mode_without_self_managed(call: Call) -> Iterator[str]:
    """Refuses the add-ons that EKS would install by itself."""
    if call.get("computeConfig", "enabled") and call.get("bootstrapSelfManagedAddons"):
        yield "When Auto Mode is enabled, bootstrapSelfManagedAddons must be set to false"


@rule("CreateCluster", "UpdateClusterConfig",
      says="Built-in node pools are general-purpose and system, and come with a node role that EC2 can assume; a role with pools.",
      page=f"{API}API_ComputeConfigRequest.html")  # fmt: skip
def node_pools_with_role(call: Call) -> Iterator[str]:
    """Refuses pools without a role, a role without pools, and pools that do not exist."""
    config = call.get("computeConfig") or {}
    pools, role = config.get("nodePools") or [], config.get("nodeRoleArn")
    if unknown := set(pools) - {"general-purpose", "system"}:
        yield f"Invalid node pool(s): {', '.join(sorted(unknown))}. Valid values are [general-purpose, system]"
    if config.get("enabled") and bool(pools) != bool(role):
        yield "When Compute Config nodeRoleArn is not null or empty, nodePool value(s) must be provided, and the other way round."
    elif role and (problem := role_problem(call, role, "ec2.amazonaws.com", "sts:AssumeRole")):
        yield problem


@rule("DeleteCluster", says="Deletion protection refuses.", page=f"{GUIDE}deletion-protection.html", code=REQUEST)
def not_protected(call: Call) -> Iterator[str]:
    """Refuses to delete a protected cluster."""
    if call.cluster.get("deletionProtection"):
        yield f"Cannot delete cluster {call.cluster_name} because deletion protection is enabled"


@rule("UpdateClusterConfig", says="Egress that was routed through the customer's VPC does not go back to AWS.",
      page=f"{GUIDE}control-plane-egress.html")  # fmt: skip
def egress_stays_routed(call: Call) -> Iterator[str]:
    """Refuses the way back."""
    wanted = call.get("resourcesVpcConfig", "controlPlaneEgressMode")
    present = call.cluster["resourcesVpcConfig"].get("controlPlaneEgressMode")
    if wanted == "AWS_MANAGED" and present == "CUSTOMER_ROUTED":
        yield "The control plane egress mode cannot be changed from CUSTOMER_ROUTED to AWS_MANAGED"


@rule("DeleteCluster", says="A cluster with node groups, Fargate profiles or capabilities is not deleted.",
      page=f"{API}API_DeleteCluster.html", code=IN_USE)  # fmt: skip
def nothing_attached(call: Call) -> Iterator[str]:
    """Refuses while something is attached."""
    for kind, label in (
        ("nodegroup", "nodegroups"),
        ("fargateProfile", "Fargate profiles"),
        ("capability", "capabilities"),
    ):
        if any(True for _ in call.state.of(kind, call.cluster_name)):
            yield f"Cluster has {label} attached"


@rule(
    "DeleteCluster", says="A cluster is deleted once it is settled.", page=f"{API}API_DeleteCluster.html", code=IN_USE
)
def cluster_settled(call: Call) -> Iterator[str]:
    """Refuses while the cluster is made or changed."""
    if call.cluster["status"] in ("CREATING", "UPDATING", "DELETING"):
        yield f"Cannot delete because cluster {call.cluster_name} currently has status {call.cluster['status']}"
