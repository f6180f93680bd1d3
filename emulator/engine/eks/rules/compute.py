"""Rules for node groups and Fargate profiles."""

from collections.abc import Iterator

from eks_facts import role_policies
from eks_facts.files import limit
from eks_facts.instances import ami_types, architecture, default_ami_type
from emulator.engine.eks.rules.table import API, GUIDE, IN_USE, LIMIT, Call, role_problem, rule
from emulator.engine.eks.state import Record


@rule(
    "UpdateNodegroupVersion",
    "UpdateNodegroupConfig",
    "DeleteNodegroup",
    page=f"{API}API_UpdateNodegroupVersion.html",
    code=IN_USE,
)
def node_group_settled(call: Call) -> Iterator[str]:
    """A node group takes one update at a time."""
    group = call.state.child("nodegroup", call.cluster_name, call.get("nodegroupName"))
    if group["status"] in ("CREATING", "UPDATING", "DELETING"):
        yield f"Nodegroup cannot be updated as it is currently not in Active state: {group['status']}"


@rule("CreateNodegroup", page=f"{GUIDE}create-node-role.html")
def node_role_assumable(call: Call) -> Iterator[str]:
    """EC2 can assume the node role, which has the worker node's policies."""
    arn = call.get("nodeRole")
    if problem := role_problem(call, arn, "ec2.amazonaws.com", "sts:AssumeRole"):
        yield problem
        return
    role = call.account.role(arn)
    names = {policy.split("/")[-1] for policy in role.policies} if role else set()
    if missing := role_policies.missing("ec2_nodes", names):
        yield f"The node role {arn} lacks {' and '.join(missing)}: nodes could not join the cluster"


@rule("CreateNodegroup", page=f"{GUIDE}eks-linux-ami-versions.html")
def ami_type_exists(call: Call) -> Iterator[str]:
    """AMI types of the API; none of Amazon Linux 2 for Kubernetes 1.33 and newer."""
    ami = call.get("amiType") or default_ami_type(call.cluster["version"]).name
    version = call.get("version") or call.cluster["version"]
    if ami.startswith("AL2_") and _minor(version) >= 33:
        yield f"Requested AMI type {ami} is not supported for kubernetes version {version}"
    elif ami != "CUSTOM" and ami not in ami_types():
        yield f"AMI Type {ami} is not valid"


def _minor(version: str) -> int:
    return int(version.split(".")[1])


@rule("CreateNodegroup", page=f"{API}API_CreateNodegroup.html")
def architecture_fits(call: Call) -> Iterator[str]:
    """Instance types have the architecture of the AMI."""
    default = None if call.get("launchTemplate") else default_ami_type(call.cluster["version"])
    ami = ami_types().get(call.get("amiType") or "", default)
    wrong = [kind for kind in call.get("instanceTypes") or [] if ami and architecture(kind) != ami.architecture]
    if ami and wrong:
        yield f"[{', '.join(wrong)}] is not a valid instance type for requested amiType {ami.name}"


@rule("CreateNodegroup", page=f"{API}API_CreateNodegroup.html")
def nodes_of_the_clusters_version(call: Call) -> Iterator[str]:
    """A node group is made with the cluster's version."""
    version = call.get("version")
    if version and version != call.cluster["version"]:
        yield f"Requested Nodegroup version {version} is not the cluster's version {call.cluster['version']}, the only one that is accepted"


@rule("UpdateNodegroupVersion", page="https://kubernetes.io/releases/version-skew-policy/")
def nodes_not_ahead(call: Call) -> Iterator[str]:
    """Nodes have the control plane's version, or an older one within the skew."""
    version = call.get("version")
    if version and not 0 <= _minor(call.cluster["version"]) - _minor(version) <= 3:
        yield f"Requested Nodegroup version {version} does not fit the cluster's version {call.cluster['version']}"


@rule("CreateNodegroup", page=f"{API}API_NodegroupScalingConfig.html")
def sizes_together(call: Call) -> Iterator[str]:
    """All three sizes, or none."""
    given = set(call.get("scalingConfig") or {})
    if given and (missing := sorted({"minSize", "maxSize", "desiredSize"} - given)):
        yield f"{', '.join(missing)}: all or none of the properties of scalingConfig must be specified when a node group is created"


@rule("CreateNodegroup", "UpdateNodegroupConfig", page=f"{API}API_NodegroupScalingConfig.html")
def sizes_in_order(call: Call) -> Iterator[str]:
    """min <= desired <= max, and max is at least 1."""
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


@rule("CreateNodegroup", "CreateFargateProfile", page=f"{API}API_CreateNodegroup.html")
def subnets_of_cluster(call: Call) -> Iterator[str]:
    """Subnets of nodes are of the cluster's VPC."""
    for subnet_id in call.get("subnets") or []:
        subnet = call.account.subnet(subnet_id)
        if subnet is None:
            yield f"The subnet ID '{subnet_id}' does not exist"
        elif subnet.vpc_id != call.cluster["resourcesVpcConfig"]["vpcId"]:
            yield f"Subnet {subnet_id} does not belong to the VPC of the cluster, {call.cluster['resourcesVpcConfig']['vpcId']}"


@rule("CreateNodegroup", "UpdateNodegroupVersion", page=f"{GUIDE}launch-templates.html")
def launch_template_exists(call: Call) -> Iterator[str]:
    """The launch template and its version exist."""
    wanted = call.get("launchTemplate")
    if not wanted:
        return
    versions = call.account.launch_template(wanted.get("id") or wanted.get("name") or "")
    if versions is None:
        yield f"Launch template {wanted.get('id') or wanted.get('name')} does not exist"
    elif str(wanted.get("version") or "1") not in [*map(str, versions), "$Latest", "$Default"]:
        yield f"Launch template version {wanted['version']} of {wanted.get('id') or wanted.get('name')} does not exist"


@rule("CreateNodegroup", page=f"{GUIDE}launch-templates.html")
def launch_template_alone(call: Call) -> Iterator[str]:
    """What a launch template sets is not set beside it."""
    if call.get("launchTemplate") and (call.get("diskSize") or call.get("remoteAccess")):
        yield "Disk size and remote access must be specified within the launch template."


@rule("CreateNodegroup", "CreateFargateProfile", page=f"{GUIDE}service-quotas.html", code=LIMIT)
def within_quota(call: Call) -> Iterator[str]:
    """The quotas of node groups and Fargate profiles of a cluster."""
    kind, quota = (
        ("nodegroup", "node_groups") if call.operation == "CreateNodegroup" else ("fargateProfile", "fargate_profiles")
    )
    if len(list(call.state.of(kind, call.cluster_name))) >= limit(quota):
        yield f"The quota of {quota.replace('_', ' ')} of a cluster is {limit(quota)}"


@rule("CreateFargateProfile", page=f"{GUIDE}pod-execution-role.html")
def pod_execution_role_assumable(call: Call) -> Iterator[str]:
    """Fargate can assume the pod execution role."""
    problem = role_problem(call, call.get("podExecutionRoleArn"), "eks-fargate-pods.amazonaws.com", "sts:AssumeRole")
    if problem:
        yield problem


@rule("CreateFargateProfile", "DeleteFargateProfile", page=f"{API}API_DeleteFargateProfile.html", code=IN_USE)
def one_profile_at_a_time(call: Call) -> Iterator[str]:
    """One Fargate profile of a cluster is made or deleted at a time."""
    for profile in call.state.of("fargateProfile", call.cluster_name):
        if profile["status"] in ("CREATING", "DELETING"):
            verb, other = call.operation.removesuffix("FargateProfile").lower(), profile["fargateProfileName"]
            yield (
                f"Cannot {verb} Fargate Profile because cluster {call.cluster_name} currently has Fargate profile"
                f" {other} in status {profile['status']}"
            )


@rule("CreateFargateProfile", page=f"{GUIDE}fargate-profile.html")
def private_subnets(call: Call) -> Iterator[str]:
    """Pods on Fargate run in private subnets only."""
    for subnet_id in call.get("subnets") or []:
        subnet = call.account.subnet(subnet_id)
        if subnet and subnet.public:
            yield f"Subnet {subnet_id} provided in Fargate Profile is not a private subnet"


@rule("CreateFargateProfile", page=f"{GUIDE}fargate-profile.html")
def selectors_few(call: Call) -> Iterator[str]:
    """One to five selectors, each with a namespace and at most five labels."""
    selectors = call.get("selectors") or []
    if not 1 <= len(selectors) <= limit("fargate_selectors"):
        yield f"Fargate Profile must have between 1 and {limit('fargate_selectors')} selectors, found {len(selectors)}"
    for selector in selectors:
        if not selector.get("namespace"):
            yield "Fargate Profile selector must have a namespace"
        if len(selector.get("labels") or {}) > limit("fargate_selector_labels"):
            yield f"Fargate Profile selector has more than {limit('fargate_selector_labels')} labels"
