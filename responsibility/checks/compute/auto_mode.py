"""Checks of EKS Auto Mode: AWS runs the nodes, but its settings and roles are yours."""

from collections.abc import Iterator

from eks_facts import role_policies
from eks_facts.instances import auto_mode_problem
from eks_facts.places import fips_regions
from responsibility.checks.add_ons import software
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.findings import Evidence
from responsibility.reading.eks import AccessEntry, Cluster
from responsibility.reading.iam import Role
from responsibility.reading.kubernetes import KubernetesObject
from responsibility.reading.partly_known import fits_one
from responsibility.reading.resource import UnknownValue

_SETTINGS = {
    "compute": "ComputeConfig.Enabled",
    "load balancing": "KubernetesNetworkConfig.ElasticLoadBalancing.Enabled",
    "block storage": "StorageConfig.BlockStorage.Enabled",
}


@check("EKR054", Cluster)
def cluster_role_has_auto_modes_policies(cluster: Cluster) -> Answer | None:
    """A custom policy may grant the same: names then do not show it."""
    if not cluster.auto_mode:
        return None
    role = cluster.role
    if not role:
        raise UnknownValue(cluster.at("RoleArn"), "the role was not read")
    if not _trusts_tagged_sessions(role):
        return open_(
            f"has {role.words}, which EKS may not assume with sts:TagSession", role.at("AssumeRolePolicyDocument")
        )
    names = set(role.managed_policies)
    missing = role_policies.missing("auto_mode_cluster", names)
    if not missing and (untagged := list(_tags_it_may_not_set(cluster, role))):
        words = " and ".join(dict.fromkeys(what for what, _ in untagged))
        return open_(
            f"has {role.words}, which may set no tags of yours, and {words} with such tags", *(at for _, at in untagged)
        )
    if not missing:
        return met(f"has the five policies of Auto Mode on {role.words}", role.at("ManagedPolicyArns"))
    if role.inline or names - role_policies.accepted("auto_mode_cluster"):
        raise UnknownValue(
            role.at("ManagedPolicyArns"), f"{', '.join(missing)} missing, but other policies may grant the same"
        )
    return open_(f"has {role.words} without {', '.join(missing)}", role.at("ManagedPolicyArns"))


_TAGGED = (
    (
        "NodeClass",
        "eks.amazonaws.com/",
        "spec.tags",
        ("ec2:CreateFleet", "ec2:RunInstances", "ec2:CreateLaunchTemplate"),
    ),
    ("IngressClassParams", "eks.amazonaws.com/", "spec.tags", ("elasticloadbalancing:CreateLoadBalancer",)),
    ("StorageClass", "storage.k8s.io/", "parameters", ("ec2:CreateVolume",)),
    ("Service", "v1", "metadata.annotations", ("elasticloadbalancing:CreateLoadBalancer",)),
)
"""What may ask Auto Mode for tags of yours: kind, API group, where, and what the cluster role then needs beside AWS's policies."""


_TAGS_OF_SERVICE = "service.beta.kubernetes.io/aws-load-balancer-additional-resource-tags"


def _tags_it_may_not_set(cluster: Cluster, role: Role) -> Iterator[tuple[str, Evidence]]:
    """Yields what asks for tags that the role may not set: AWS's policies allow EKS's own alone (tag-prop). Raises UnknownValue."""
    for kind, group, path, actions in _TAGGED:
        for item in software.objects(cluster, kind):
            if not str(item.get("apiVersion", "")).startswith(group):
                continue
            tags = bool(item.get(path))
            if kind == "StorageClass":
                auto = item.words_of("provisioner") == "ebs.csi.eks.amazonaws.com"
                tags = auto and any(key.startswith("tagSpecification") for key in item.mapping(path))
            if kind == "Service":
                tags = item.get("spec.type") == "LoadBalancer" and bool(item.annotation(_TAGS_OF_SERVICE))
            said, unsaid = role.allowances
            allowed = [one.actions for one in said if one.allow]
            if tags and not all(any(_covers(patterns, action) for patterns in allowed) for action in actions):
                if unsaid or role.attached[1]:
                    raise [*unsaid, *role.attached[1]][0]
                yield item.words, item.at(path)


def _covers(patterns: tuple[str, ...], action: str) -> bool:
    return fits_one(action.lower(), (pattern.lower() for pattern in patterns))


def _trusts_tagged_sessions(role: Role) -> bool:
    return any(
        statement.allow
        and ("Service", "eks.amazonaws.com") in statement.principals
        and {"sts:TagSession", "sts:*", "*"} & set(statement.actions)
        for statement in role.trust
    )


@check("EKR055", Cluster)
def all_or_none(cluster: Cluster) -> Answer:
    """Applies to every cluster: where compute alone is missing, nothing else says that Auto Mode was meant."""
    on = {
        "compute": cluster.auto_compute,
        "load balancing": cluster.auto_load_balancing,
        "block storage": cluster.auto_block_storage,
    }
    off = [name for name, value in on.items() if not value]
    if len(off) == len(on):
        return not_applicable("does not use Auto Mode")
    if off:
        return open_(
            f"has Auto Mode half on: {' and '.join(off)} is off", *(cluster.at(_SETTINGS[name]) for name in off)
        )
    return met("has all three on", *(cluster.at(path) for path in _SETTINGS.values()))


@check("EKR056", Cluster)
def no_bootstrap_with_auto_mode(cluster: Cluster) -> Answer | None:
    """The refusal is EKS's own message, quoted in the source. It comes at creation, where the property is true: AWS's guide
    (automode-get-started-cli.html) leaves it out."""
    if not cluster.auto_mode:
        return None
    where = cluster.at("BootstrapSelfManagedAddons")
    if cluster.bootstrap_addons:
        return open_("has Auto Mode and self-managed add-ons: EKS refuses to create it", where)
    return met("is made without self-managed add-ons", where)


@check("EKR057", Cluster)
def pools_and_role_go_together(cluster: Cluster) -> Answer | None:
    """Both, or neither; with neither, a NodeClass needs an access entry."""
    if not cluster.auto_mode:
        return None
    pools = [str(pool) for _, pool in cluster.resource.items("ComputeConfig.NodePools")]
    role = cluster.get("ComputeConfig.NodeRoleArn")
    if pools and not role:
        return open_("has built-in node pools, but no node role", cluster.at("ComputeConfig.NodeRoleArn"))
    if role and not pools:
        return open_("has a node role, but no built-in node pool", cluster.at("ComputeConfig.NodePools"))
    if pools:
        return met(f"has the node pools {' and '.join(sorted(pools))}, and their role", cluster.at("ComputeConfig"))
    for entry in cluster.facts.belonging(AccessEntry, cluster.resource.key):
        if entry.type == "EC2" and any(name == "AmazonEKSAutoNodePolicy" for name, _, _ in entry.policies):
            return met(f"lets nodes of its own pools join as {entry.name}", entry.at("Type"))
    if classes := software.objects(cluster, "NodeClass"):
        return open_("has a NodeClass of its own, but no access entry for its nodes' role", *(c.at() for c in classes))
    raise UnknownValue(
        cluster.at("ComputeConfig.NodePools"), "there is no built-in pool, and no pool of its own in what was read"
    )


@check("EKR213", KubernetesObject)
def fips_amis_are_there(item: KubernetesObject) -> Answer | None:
    """Applies to NodeClasses of Auto Mode that ask for FIPS."""
    if item.what != "NodeClass" or item.get("spec.advancedSecurity.fips") is not True:
        return None
    at = item.at("spec.advancedSecurity.fips")
    cluster = item.facts.get(Cluster, item.cluster_key)
    region = cluster.region if cluster else ""
    if not region:
        raise UnknownValue(at, "the region is not in what was read")
    if region.startswith(fips_regions()):
        return met(f"asks for FIPS AMIs in {region}, which has them", at)
    return open_(f"asks for FIPS AMIs, and {region} has none for Auto Mode", at)


_REQUIREMENTS = "spec.template.spec.requirements"


@check("EKR400", KubernetesObject)
def pool_leaves_types_that_auto_mode_launches(item: KubernetesObject) -> Answer | None:
    """Applies to NodePools of Auto Mode that name instance types. AWS's list grows: a family newer than the list here is reported, too."""
    if item.what != "NodePool" or item.get("spec.template.spec.nodeClassRef.group") != "eks.amazonaws.com":
        return None
    for requirement in item.items(_REQUIREMENTS):
        if item.words_of(f"{requirement}.key") != "node.kubernetes.io/instance-type":
            continue
        if item.words_of(f"{requirement}.operator") != "In":
            continue
        at, types = item.at(f"{requirement}.values"), item.texts(f"{requirement}.values")
        problems = {name: problem for name in types if (problem := auto_mode_problem(name))}
        if not problems:
            return met("names instance types that Auto Mode launches", at)
        if len(problems) == len(types):
            return open_(f"names {', '.join(types)} alone: {', '.join(dict.fromkeys(problems.values()))}", at)
        return open_(f"names {', '.join(problems)} among others: {', '.join(dict.fromkeys(problems.values()))}", at)
    return None
