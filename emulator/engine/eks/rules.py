"""What EKS itself would say: one table of rules, each with the page that it follows.

A rule is a function under ``@rule``; it yields the message of each refusal. Messages are EKS's own where they are known.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from emulator.engine.eks.lookups import Account
from emulator.engine.eks.state import Record, Refused, State

GUIDE = "https://docs.aws.amazon.com/eks/latest/userguide/"
API = "https://docs.aws.amazon.com/eks/latest/APIReference/"

INVALID, IN_USE, REQUEST = "InvalidParameterException", "ResourceInUseException", "InvalidRequestException"
LIMIT = "ResourceLimitExceededException"


@dataclass(frozen=True)
class Call:
    """A request, and what it meets."""

    operation: str
    parameters: dict[str, Any]
    state: State
    account: Account

    @property
    def cluster_name(self) -> str:
        """Name of the cluster that the request is about."""
        name = self.parameters.get("clusterName") or self.parameters.get("name") or ""
        return str(name)

    @property
    def cluster(self) -> Record:
        """The cluster that the request is about. Raises Refused."""
        return self.state.cluster(self.cluster_name)

    def get(self, *path: str) -> Any:
        """Returns a parameter, or None."""
        value: Any = self.parameters
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value


Check = Callable[[Call], Iterator[str]]


@dataclass(frozen=True)
class Rule:
    """A rule of EKS."""

    name: str
    operations: tuple[str, ...]
    says: str
    """What EKS demands, in a sentence."""
    page: str
    code: str
    check: Check


RULES: list[Rule] = []


def rule(*operations: str, says: str, page: str, code: str = INVALID) -> Callable[[Check], Check]:
    """Adds the decorated function to the table."""

    def add(function: Check) -> Check:
        RULES.append(Rule(function.__name__, operations, says, page, code, function))
        return function

    return add


def check(operation: str, parameters: dict[str, Any], state: State, account: Account) -> None:
    """Holds a request against the table. Raises Refused."""
    call = Call(operation, parameters, state, account)
    for candidate in RULES:
        if operation in candidate.operations:
            for message in candidate.check(call):
                raise Refused(candidate.code, message)


# Names and states


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


@rule("UpdateNodegroupVersion", "UpdateNodegroupConfig", "DeleteNodegroup",
      says="A node group takes one update at a time.",
      page=f"{API}API_UpdateNodegroupVersion.html", code=IN_USE)  # fmt: skip
def node_group_settled(call: Call) -> Iterator[str]:
    """Refuses changes while the node group is made or changed."""
    group = call.state.child("nodegroup", call.cluster_name, call.get("nodegroupName"))
    if group["status"] in ("CREATING", "UPDATING", "DELETING"):
        yield f"Nodegroup cannot be updated as it is currently not in Active state: {group['status']}"


@rule("UpdateClusterConfig", says="One kind of change for each request.", page=f"{API}API_UpdateClusterConfig.html")
def one_kind_of_update(call: Call) -> Iterator[str]:
    """Refuses a request that changes several things."""
    auto_mode = {"computeConfig", "storageConfig", "kubernetesNetworkConfig"}
    kinds = {key for key in call.parameters if key not in ("name", "clientRequestToken")}
    if kinds & auto_mode:
        kinds = (kinds - auto_mode) | {"auto mode"}
    if len(kinds) != 1:
        yield f"Only one type of update can be allowed in each request; found: {', '.join(sorted(kinds)) or 'none'}"


# Versions


@rule("CreateCluster", "UpdateClusterVersion", says="Only Kubernetes versions that EKS offers.",
      page=f"{GUIDE}kubernetes-versions.html")  # fmt: skip
def version_offered(call: Call) -> Iterator[str]:
    """Refuses versions that are unknown."""
    version = call.get("version")
    if version and version not in call.account.catalog.versions:
        yield f"unsupported Kubernetes version {version}"


@rule("UpdateClusterVersion", says="An update goes one minor version up.", page=f"{GUIDE}update-cluster.html")
def one_minor_version(call: Call) -> Iterator[str]:
    """Refuses to skip a version, or to go back."""
    versions = list(call.account.catalog.versions)
    old, new = call.cluster["version"], call.get("version")
    if new not in versions or old not in versions:
        return
    step = versions.index(new) - versions.index(old)
    if step == 0:
        yield f"The cluster already has Kubernetes version {new}"
    elif step != 1:
        yield f"Unsupported Kubernetes minor version update from {old} to {new}"


@rule("UpdateClusterVersion", says="A control plane moves only when its managed node groups have its version.",
      page=f"{API}API_UpdateClusterVersion.html")  # fmt: skip
def nodes_caught_up(call: Call) -> Iterator[str]:
    """Refuses to leave managed nodes more than a version behind."""
    behind = [
        group["nodegroupName"]
        for group in call.state.of("nodegroup", call.cluster_name)
        if group["version"] != call.cluster["version"]
    ]
    if behind:
        yield f"Nodegroup(s) {', '.join(sorted(behind))} must be updated to match cluster version before updating cluster version"


# The network


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


@rule("CreateCluster", "UpdateClusterConfig", says="At least one endpoint is on; at most 40 ranges may reach a public one.",
      page=f"{GUIDE}cluster-endpoint.html")  # fmt: skip
def endpoint_reachable(call: Call) -> Iterator[str]:
    """Refuses a cluster that nobody reaches, and ranges that are none."""
    config = call.get("resourcesVpcConfig") or {}
    if config.get("endpointPublicAccess") is False and not config.get("endpointPrivateAccess"):
        yield "Private and public endpoint access cannot be false"
    ranges = config.get("publicAccessCidrs") or []
    if len(ranges) > call.account.catalog.limits["public_access_cidrs"]:
        raise Refused(LIMIT, f"{len(ranges)} public access CIDRs; the quota is {call.account.catalog.limits['public_access_cidrs']}")
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


# Roles


def _role_problem(call: Call, arn: str | None, service: str, *actions: str) -> str:
    role = call.account.role(arn or "")
    if role is None:
        return f"The role with name {(arn or '').split('/')[-1]} cannot be found."
    if not role.trusts(service, *actions):
        return f"Role with arn: {arn} could not be assumed because it does not exist or the trusted entity is not correct: {service} needs {', '.join(actions)}"
    return ""


@rule("CreateCluster", says="EKS can assume the cluster's role.", page=f"{GUIDE}cluster-iam-role.html")
def cluster_role_assumable(call: Call) -> Iterator[str]:
    """Refuses a role that does not trust EKS."""
    if problem := _role_problem(call, call.get("roleArn"), "eks.amazonaws.com", "sts:AssumeRole"):
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
    if problem := _role_problem(call, arn, "eks.amazonaws.com", "sts:AssumeRole", "sts:TagSession"):
        yield problem
        return
    role = call.account.role(arn)
    names = {policy.split("/")[-1] for policy in role.policies} if role else set()
    wanted = ["AmazonEKSClusterPolicy", *_AUTO_MODE_POLICIES]
    if not names & {"AmazonEKSBlockStoragePolicy", "AmazonEKSBlockStoragePolicyV2"}:
        wanted.append("AmazonEKSBlockStoragePolicyV2")
    if missing := [policy for policy in wanted if policy not in names]:
        yield f"The cluster role {arn} is missing the following permissions for EKS Auto Mode: {', '.join(missing)}"


@rule("CreateNodegroup", says="EC2 can assume the node role, which has the worker node's policies.",
      page=f"{GUIDE}create-node-role.html")  # fmt: skip
def node_role_assumable(call: Call) -> Iterator[str]:
    """Refuses a node role that nodes could not use."""
    arn = call.get("nodeRole")
    if problem := _role_problem(call, arn, "ec2.amazonaws.com", "sts:AssumeRole"):
        yield problem
        return
    role = call.account.role(arn)
    names = {policy.split("/")[-1] for policy in role.policies} if role else set()
    pull = {"AmazonEC2ContainerRegistryPullOnly", "AmazonEC2ContainerRegistryReadOnly"}
    if "AmazonEKSWorkerNodePolicy" not in names or not names & pull:
        yield f"The node role {arn} lacks AmazonEKSWorkerNodePolicy or AmazonEC2ContainerRegistryPullOnly: nodes could not join the cluster"


@rule("CreateFargateProfile", says="Fargate can assume the pod execution role.",
      page=f"{GUIDE}pod-execution-role.html")  # fmt: skip
def pod_execution_role_assumable(call: Call) -> Iterator[str]:
    """Refuses a role that does not trust Fargate."""
    problem = _role_problem(call, call.get("podExecutionRoleArn"), "eks-fargate-pods.amazonaws.com", "sts:AssumeRole")
    if problem:
        yield problem


@rule("CreatePodIdentityAssociation", "UpdatePodIdentityAssociation", "CreateAddon", "UpdateAddon",
      says="EKS Pod Identity can assume a pod's role, with sts:TagSession.",
      page=f"{GUIDE}pod-id-role.html")  # fmt: skip
def pod_role_assumable(call: Call) -> Iterator[str]:
    """Refuses a role that does not trust Pod Identity."""
    arns = [call.get("roleArn")] if "PodIdentity" in call.operation else []
    arns += [entry.get("roleArn") for entry in call.get("podIdentityAssociations") or []]
    for arn in arns:
        if arn and (problem := _role_problem(call, arn, "pods.eks.amazonaws.com", "sts:AssumeRole", "sts:TagSession")):
            yield problem


@rule("CreateAccessEntry", says="The principal of an access entry exists.", page=f"{GUIDE}creating-access-entries.html")
def principal_exists(call: Call) -> Iterator[str]:
    """Refuses principals that do not exist, and assumed roles."""
    arn = str(call.get("principalArn"))
    if ":sts:" in arn or not call.account.principal_exists(arn):
        yield "The specified principalArn is invalid: invalid principal."


@rule("CreateCluster", says="The key exists, is enabled, symmetric and encrypts.", page=f"{GUIDE}enable-kms.html")
def key_usable(call: Call) -> Iterator[str]:
    """Refuses keys that could not encrypt."""
    for entry in call.get("encryptionConfig") or []:
        arn = entry.get("provider", {}).get("keyArn", "")
        if problem := call.account.key_problem(arn):
            yield f"The keyArn in encryptionConfig provider {arn} is invalid: {problem}"


# Auto Mode


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


@rule("CreateCluster", says="Auto Mode asks for bootstrapSelfManagedAddons: false.", page=f"{GUIDE}automode-get-started-cli.html")
def auto_mode_without_self_managed(call: Call) -> Iterator[str]:
    """Refuses the add-ons that EKS would install by itself."""
    if call.get("computeConfig", "enabled") and call.get("bootstrapSelfManagedAddons") is not False:
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
    elif role and (problem := _role_problem(call, role, "ec2.amazonaws.com", "sts:AssumeRole")):
        yield problem


# Nodes


@rule("CreateNodegroup", says="AMI types of the API; none of Amazon Linux 2 for Kubernetes 1.33 and newer.",
      page=f"{GUIDE}eks-linux-ami-versions.html")  # fmt: skip
def ami_type_exists(call: Call) -> Iterator[str]:
    """Refuses AMI types that have no image for the version."""
    ami = call.get("amiType") or "AL2_x86_64"
    version = call.get("version") or call.cluster["version"]
    if ami.startswith("AL2_") and _minor(version) >= 33:
        yield f"Requested AMI type {ami} is not supported for kubernetes version {version}"
    elif not ami.startswith(("AL2_", "CUSTOM", "WINDOWS_")) and ami not in call.account.catalog.ami_types:
        yield f"AMI Type {ami} is not valid"


def _minor(version: str) -> int:
    return int(version.split(".")[1])


@rule("CreateNodegroup", says="Instance types have the architecture of the AMI.", page=f"{API}API_CreateNodegroup.html")
def architecture_fits(call: Call) -> Iterator[str]:
    """Refuses Arm images on x86 instances, and the other way round."""
    wanted = call.account.catalog.ami_types.get(call.get("amiType") or "", {}).get("architecture")
    wrong = [kind for kind in call.get("instanceTypes") or [] if wanted and call.account.catalog.architecture(kind) != wanted]
    if wrong:
        yield f"[{', '.join(wrong)}] is not a valid instance type for requested amiType {call.get('amiType')}"


@rule("CreateNodegroup", "UpdateNodegroupVersion", says="Nodes have the control plane's version, or an older one within the skew.",
      page="https://kubernetes.io/releases/version-skew-policy/")  # fmt: skip
def nodes_not_ahead(call: Call) -> Iterator[str]:
    """Refuses nodes that are newer than the control plane, or more than three versions older."""
    version = call.get("version")
    if version and not 0 <= _minor(call.cluster["version"]) - _minor(version) <= 3:
        yield f"Requested Nodegroup version {version} does not fit the cluster's version {call.cluster['version']}"


@rule("CreateNodegroup", "UpdateNodegroupConfig", says="min <= desired <= max, and max is at least 1.",
      page=f"{API}API_NodegroupScalingConfig.html")  # fmt: skip
def sizes_in_order(call: Call) -> Iterator[str]:
    """Refuses sizes out of order."""
    if "scalingConfig" not in call.parameters:
        return
    present: Record = {}
    if call.operation == "UpdateNodegroupConfig":
        present = call.state.child("nodegroup", call.cluster_name, call.get("nodegroupName"))["scalingConfig"]
    sizes = {"minSize": 1, "maxSize": 2, "desiredSize": 2, **present, **call.parameters["scalingConfig"]}
    if sizes["minSize"] > sizes["maxSize"]:
        yield f"Minimum capacity {sizes['minSize']} can't be greater than maximum size {sizes['maxSize']}"
    elif not sizes["minSize"] <= sizes["desiredSize"] <= sizes["maxSize"]:
        yield f"desired capacity {sizes['desiredSize']} must be between minimum size {sizes['minSize']} and maximum size {sizes['maxSize']}"


@rule("CreateNodegroup", "CreateFargateProfile", says="Subnets of nodes are of the cluster's VPC.", page=f"{API}API_CreateNodegroup.html")
def subnets_of_cluster(call: Call) -> Iterator[str]:
    """Refuses subnets that do not exist, or of another VPC."""
    for subnet_id in call.get("subnets") or []:
        subnet = call.account.subnet(subnet_id)
        if subnet is None:
            yield f"The subnet ID '{subnet_id}' does not exist"
        elif subnet.vpc_id != call.cluster["resourcesVpcConfig"]["vpcId"]:
            yield f"Subnet {subnet_id} does not belong to the VPC of the cluster, {call.cluster['resourcesVpcConfig']['vpcId']}"


@rule("CreateNodegroup", "UpdateNodegroupVersion", says="The launch template and its version exist.",
      page=f"{GUIDE}launch-templates.html")  # fmt: skip
def launch_template_exists(call: Call) -> Iterator[str]:
    """Refuses launch templates that do not exist."""
    wanted = call.get("launchTemplate")
    if not wanted:
        return
    versions = call.account.launch_template(wanted.get("id") or wanted.get("name") or "")
    if versions is None:
        yield f"Launch template {wanted.get('id') or wanted.get('name')} does not exist"
    elif str(wanted.get("version") or "1") not in [*map(str, versions), "$Latest", "$Default"]:
        yield f"Launch template version {wanted['version']} of {wanted.get('id') or wanted.get('name')} does not exist"


@rule("CreateNodegroup", says="What a launch template sets is not set beside it.", page=f"{GUIDE}launch-templates.html")
def launch_template_alone(call: Call) -> Iterator[str]:
    """Refuses a disk size or remote access beside a launch template."""
    if call.get("launchTemplate") and (call.get("diskSize") or call.get("remoteAccess")):
        yield "Disk size and remote access must be specified within the launch template."


@rule("CreateNodegroup", "CreateFargateProfile", says="The quotas of node groups and Fargate profiles of a cluster.",
      page=f"{GUIDE}service-quotas.html", code=LIMIT)  # fmt: skip
def within_quota(call: Call) -> Iterator[str]:
    """Refuses one more than the quota."""
    kind, quota = ("nodegroup", "node_groups") if call.operation == "CreateNodegroup" else ("fargateProfile", "fargate_profiles")
    if len(list(call.state.of(kind, call.cluster_name))) >= call.account.catalog.limits[quota]:
        yield f"The quota of {quota.replace('_', ' ')} of a cluster is {call.account.catalog.limits[quota]}"


# Fargate


@rule("CreateFargateProfile", "DeleteFargateProfile", says="One Fargate profile of a cluster is made or deleted at a time.",
      page=f"{API}API_DeleteFargateProfile.html", code=IN_USE)  # fmt: skip
def one_profile_at_a_time(call: Call) -> Iterator[str]:
    """Refuses a second operation on profiles."""
    for profile in call.state.of("fargateProfile", call.cluster_name):
        if profile["status"] in ("CREATING", "DELETING"):
            yield f"Cannot {call.operation.removesuffix('FargateProfile').lower()} Fargate Profile because cluster {call.cluster_name} currently has Fargate profile {profile['fargateProfileName']} in status {profile['status']}"


@rule("CreateFargateProfile", says="Pods on Fargate run in private subnets only.", page=f"{GUIDE}fargate-profile.html")
def private_subnets(call: Call) -> Iterator[str]:
    """Refuses subnets with a route to an internet gateway."""
    for subnet_id in call.get("subnets") or []:
        subnet = call.account.subnet(subnet_id)
        if subnet and subnet.public:
            yield f"Subnet {subnet_id} provided in Fargate Profile is not a private subnet"


@rule("CreateFargateProfile", says="One to five selectors, each with a namespace and at most five labels.",
      page=f"{GUIDE}fargate-profile.html")  # fmt: skip
def selectors_few(call: Call) -> Iterator[str]:
    """Refuses profiles without selectors, and with too many."""
    selectors = call.get("selectors") or []
    limits = call.account.catalog.limits
    if not 1 <= len(selectors) <= limits["fargate_selectors"]:
        yield f"Fargate Profile must have between 1 and {limits['fargate_selectors']} selectors, found {len(selectors)}"
    for selector in selectors:
        if not selector.get("namespace"):
            yield "Fargate Profile selector must have a namespace"
        if len(selector.get("labels") or {}) > limits["fargate_selector_labels"]:
            yield f"Fargate Profile selector has more than {limits['fargate_selector_labels']} labels"


# Add-ons and access


@rule("CreateAddon", says="Add-ons that EKS offers.", page=f"{GUIDE}workloads-add-ons-available-eks.html")
def addon_offered(call: Call) -> Iterator[str]:
    """Refuses names that are no add-on."""
    if call.get("addonName") not in call.account.catalog.addons:
        yield f"Addon {call.get('addonName')} specified is not supported"


@rule("CreateAccessEntry", "UpdateAccessEntry", says="Kubernetes groups do not begin with system:, and only STANDARD entries have any.",
      page=f"{API}API_CreateAccessEntry.html")  # fmt: skip
def groups_not_reserved(call: Call) -> Iterator[str]:
    """Refuses reserved groups."""
    groups: Iterable[str] = call.get("kubernetesGroups") or []
    if any(group.startswith(("system:", "eks:", "aws:", "amazon:", "iam:")) for group in groups):
        yield "The kubernetes group name is invalid: it must not start with system:, eks:, aws:, amazon: or iam:"
    if groups and call.get("type") not in (None, "STANDARD"):
        yield f"The kubernetesGroups cannot be set for an access entry of type {call.get('type')}"


@rule("CreateAccessEntry", "AssociateAccessPolicy", says="The cluster's authentication mode has access entries.",
      page=f"{GUIDE}setting-up-access-entries.html", code=REQUEST)  # fmt: skip
def access_entries_on(call: Call) -> Iterator[str]:
    """Refuses entries in the mode of the ConfigMap."""
    if call.cluster["accessConfig"]["authenticationMode"] == "CONFIG_MAP":
        yield "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation."


@rule("AssociateAccessPolicy", says="EKS's own access policies; a scope of namespaces names some.",
      page=f"{GUIDE}access-policy-permissions.html")  # fmt: skip
def access_policy_exists(call: Call) -> Iterator[str]:
    """Refuses policies that do not exist."""
    arn = str(call.get("policyArn"))
    if not re.fullmatch(r"arn:aws[a-z-]*:eks::aws:cluster-access-policy/AmazonEKS\w+Policy(V\d)?", arn):
        yield f"The policyArn parameter format is not valid: {arn}"
    scope = call.get("accessScope") or {}
    if (scope.get("type") == "namespace") != bool(scope.get("namespaces")):
        yield "The namespaces of an access scope belong to type namespace, and that type needs them."


@rule("CreatePodIdentityAssociation", says="A service account has one association.", page=f"{GUIDE}pod-id-association.html", code=IN_USE)
def one_association(call: Call) -> Iterator[str]:
    """Refuses a second association of a service account."""
    for found in call.state.of("podIdentityAssociation", call.cluster_name):
        if (found["namespace"], found["serviceAccount"]) == (call.get("namespace"), call.get("serviceAccount")):
            yield f"Association already exists: {found['associationId']}"


# Deletion


@rule("DeleteCluster", says="Deletion protection refuses.", page=f"{GUIDE}deletion-protection.html", code=REQUEST)
def not_protected(call: Call) -> Iterator[str]:
    """Refuses to delete a protected cluster."""
    if call.cluster.get("deletionProtection"):
        yield f"Cannot delete cluster {call.cluster_name} because deletion protection is enabled"


@rule("DeleteCluster", says="A cluster with node groups, Fargate profiles or capabilities is not deleted.",
      page=f"{API}API_DeleteCluster.html", code=IN_USE)  # fmt: skip
def nothing_attached(call: Call) -> Iterator[str]:
    """Refuses while something is attached."""
    for kind, label in (("nodegroup", "nodegroups"), ("fargateProfile", "Fargate profiles"), ("capability", "capabilities")):
        if any(True for _ in call.state.of(kind, call.cluster_name)):
            yield f"Cluster has {label} attached"


@rule("DeleteCluster", says="A cluster is deleted once it is settled.", page=f"{API}API_DeleteCluster.html", code=IN_USE)
def cluster_settled(call: Call) -> Iterator[str]:
    """Refuses while the cluster is made or changed."""
    if call.cluster["status"] in ("CREATING", "UPDATING", "DELETING"):
        yield f"Cannot delete because cluster {call.cluster_name} currently has status {call.cluster['status']}"
