"""Checks of groups of EC2 nodes: how they are updated, repaired, and how many there are."""

from eks_facts.instances import DEVICES, ami_types, architecture, device_of, driver_problem
from responsibility.checks.add_ons import software
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.findings import Evidence
from responsibility.reading.eks import Cluster, NodeGroup, PodIdentity, SelfManagedNodes
from responsibility.reading.iam import Role
from responsibility.reading.nodes import Ec2Nodes
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import Reference

_ROLLING = ("AutoScalingInstanceRefresh", "AutoScalingRollingUpdate", "AutoScalingReplacingUpdate")
_DEFAULT_TYPE = "t3.medium"
"""What EKS takes where nothing names a type (launch-templates.html)."""
_AUTOSCALERS = ("cluster-autoscaler", "karpenter")


@check("EKR039", SelfManagedNodes)
def uses_a_launch_template(nodes: SelfManagedNodes) -> Answer:
    """EKS's own node groups always have one."""
    if nodes.get("LaunchConfigurationName"):
        return open_("uses a launch configuration", nodes.at("LaunchConfigurationName"))
    return met("uses a launch template", nodes.at("LaunchTemplate"))


@check("EKR043", NodeGroup)
def update_pace_is_chosen(group: NodeGroup) -> Answer:
    """Either of the two properties."""
    for name, unit in (("MaxUnavailablePercentage", "%"), ("MaxUnavailable", "")):
        value = group.get(f"UpdateConfig.{name}")
        if value is not None:
            return met(f"replaces up to {value}{unit} of its nodes at once", group.at(f"UpdateConfig.{name}"))
    return open_("replaces one node at a time, EKS's default", group.at("UpdateConfig"))


@check("EKR044", NodeGroup, synth=True)
def updates_are_not_forced(group: NodeGroup) -> Answer:
    """Off by default; aws_eks of CDK turns it on."""
    if group.force_update:
        return open_(
            "deletes pods by force where a PodDisruptionBudget blocks an update", group.at("ForceUpdateEnabled")
        )
    return met("stops an update that a PodDisruptionBudget blocks", group.at("ForceUpdateEnabled"))


@check("EKR048", NodeGroup)
def nodes_are_repaired(group: NodeGroup) -> Answer:
    """Off by default."""
    where = group.at("NodeRepairConfig.Enabled")
    return met("repairs its nodes", where) if group.repair else open_("does not repair its nodes", where)


@check("EKR050", Cluster)
def more_than_one_node(cluster: Cluster) -> Answer | None:
    """All groups of the cluster together; what a group starts with counts, too."""
    groups: list[Ec2Nodes] = [*cluster.node_groups, *cluster.self_managed]
    total = 0
    for group in groups:
        total += _nodes_at_least(group)
        if total > 1:
            return met("starts with more than one EC2 node", group.at(_size_path(group)))
    if not groups:
        return None
    if not total:
        return not_applicable("its groups start without nodes: something else adds them")
    return open_("runs on one EC2 node", *(group.at(_size_path(group)) for group in groups))


def _nodes_at_least(group: Ec2Nodes) -> int:
    if isinstance(group, NodeGroup):
        low = _number(group, "ScalingConfig.MinSize", 1)
        # Without ScalingConfig EKS starts with 2 nodes.
        return max(low, _number(group, "ScalingConfig.DesiredSize", 0 if group.get("ScalingConfig") else 2))
    low = _number(group, "MinSize", 0)
    return max(low, _number(group, "DesiredCapacity", low))


def _size_path(group: Ec2Nodes) -> str:
    return "ScalingConfig" if isinstance(group, NodeGroup) else "MinSize"


def _number(group: Ec2Nodes, path: str, default: int) -> int:
    value = group.whole(path, default)
    if value < 0:
        raise UnknownValue(group.at(path), f"{value} is not a number of nodes")
    return value


@check("EKR051", NodeGroup)
def spot_has_several_types(group: NodeGroup) -> Answer | None:
    """Applies to Spot groups only. A launch template can require properties instead of naming types."""
    if group.capacity_type != "SPOT":
        return None
    types = group.instance_types
    where = group.at("InstanceTypes")
    if len(types) > 1:
        return met(f"can use {len(types)} instance types", where)
    if not types and (instance := group.instance):
        if instance.get("InstanceRequirements"):
            return met("describes the instances that it can use", instance.at("InstanceRequirements"))
        where = instance.at("InstanceType")
        return open_(f"can use only one instance type: {instance.get('InstanceType', _DEFAULT_TYPE)}", where)
    return open_(f"can use only one instance type: {group.get('InstanceTypes.0', _DEFAULT_TYPE)}", where)


@check("EKR052", Ec2Nodes)
def something_grows_nodes(nodes: Ec2Nodes) -> Answer:
    """An autoscaler, or what only one needs: its IAM role. Unknown where no software of the cluster was read at all."""
    managed = isinstance(nodes, NodeGroup)
    prefix, low, high = ("ScalingConfig.", 1, 2) if managed else ("", 0, 0)
    where = nodes.at(prefix + "MaxSize")
    if _number(nodes, prefix + "MaxSize", high) <= _number(nodes, prefix + "MinSize", low):
        return not_applicable("has a fixed size")
    cluster = nodes.facts.get(Cluster, nodes.cluster_key)
    if not cluster:
        raise UnknownValue(where, "its cluster was not read")
    if cluster.auto_mode:
        return met("is next to Auto Mode, which adds nodes", cluster.at("ComputeConfig.Enabled"))
    if name := software.runs(cluster, *_AUTOSCALERS) or _autoscaler_identity(cluster):
        # Karpenter makes instances of its own and grows no group.
        return met(f"is next to {name}, which adds nodes" if "karpenter" in name else f"is grown by {name}", where)
    if not software.shows_software(cluster):
        raise UnknownValue(where, "no chart or manifest of the cluster was read: it may have an autoscaler")
    return open_("can grow, but no autoscaler is installed", where)


def _autoscaler_identity(cluster: Cluster) -> str:
    """Returns the service account of an autoscaler that an IAM role was made for."""
    for association in cluster.facts.belonging(PodIdentity, cluster.resource.key):
        account = str(association.resource.maybe("ServiceAccount", ""))
        if any(word in account for word in _AUTOSCALERS):
            return account
    for role in cluster.facts.belonging(Role, cluster.resource.key):
        trust = str(role.resource.maybe("AssumeRolePolicyDocument", ""))
        for word in _AUTOSCALERS:
            if f":{word}" in trust:
                return word
    return ""


@check("EKR053", SelfManagedNodes)
def updates_replace_nodes(nodes: SelfManagedNodes) -> Answer:
    """By the resource's UpdatePolicy, which is not one of its properties."""
    if nodes.resource.template is None:
        return not_applicable("an update policy is part of a template")
    policies = nodes.resource.update_policy
    policy = next((name for name in _ROLLING if policies.get(name)), "")
    replacing = policies.get("AutoScalingReplacingUpdate")
    if policy == "AutoScalingReplacingUpdate" and isinstance(replacing, dict):
        # Without it the policy replaces nothing (aws-attribute-updatepolicy.html).
        policy = policy if str(replacing.get("WillReplace", "")).lower() == "true" else ""
    if policy and (at := _follows(nodes)):
        return open_(f"has {policy}, and names no version of its launch template: a change of it replaces no node", at)
    if policy:
        return met(f"replaces its nodes by {policy}", nodes.at("UpdatePolicy"))
    return open_("does not replace running nodes when its launch template changes", nodes.at("UpdatePolicy"))


def _follows(nodes: SelfManagedNodes) -> Evidence | None:
    """Returns where it follows its launch template: what it names never changes, so CloudFormation sees no update."""
    mixed = "MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification"
    for path in ("LaunchTemplate", mixed):
        if nodes.get(path):
            version = nodes.get(f"{path}.Version", "$Default")
            moves = isinstance(version, Reference) and version.attribute != "LatestVersionNumber"
            return nodes.at(f"{path}.Version") if moves or version in ("", "$Default", "$Latest") else None
    return None


@check("EKR154", NodeGroup)
def accelerators_have_drivers(group: NodeGroup) -> Answer:
    """A custom image may have any driver."""
    kinds = _kinds_of(group)
    found = [(kind, device) for kind in kinds if (device := device_of(kind))]
    if not found:
        return not_applicable("has no instance types with accelerators")
    if group.family == "custom":
        return not_applicable("runs a custom image")
    ami = ami_types()[group.ami_type_or_default]
    if bare := [(kind, device) for kind, device in found if device not in ami.drivers]:
        kind, device = bare[0]
        return open_(f"runs {ami.name}, which has no drivers for the {DEVICES[device]} of {kind}", group.at("AmiType"))
    if old := [(kind, needs) for kind, _ in found if (needs := driver_problem(kind))]:
        kind, needs = old[0]
        return open_(f"runs {ami.name}, and {kind} needs {needs}", group.at("InstanceTypes"))
    kind, device = found[0]
    return met(f"runs {ami.name}, with drivers for the {DEVICES[device]} of {kind}", group.at("AmiType"))


@check("EKR422", NodeGroup, synth=True)
def images_fit_the_processors(group: NodeGroup) -> Answer:
    """A custom image may be for any processor."""
    if group.family == "custom" or group.image:
        return not_applicable("runs an image of its own")
    ami = ami_types()[group.ami_type_or_default]  # known: its family was read from it
    kinds = _kinds_of(group)
    where = group.at("InstanceTypes" if group.instance_types else "AmiType")
    if not kinds and ami.architecture != architecture(_DEFAULT_TYPE):
        raise UnknownValue(where, f"which type EKS takes with {ami.name}, where none is named, AWS does not say")
    if wrong := [kind for kind in kinds if architecture(kind) != ami.architecture]:
        return open_(f"runs {ami.name}, which is for {ami.architecture}, on {' and '.join(wrong)}", where)
    return met(f"runs {ami.name} on {ami.architecture}", where)


def _kinds_of(group: NodeGroup) -> list[str]:
    """Returns its instance types, which may be in its launch template. Raises UnknownValue."""
    if group.instance_types or not group.instance:
        return list(group.instance_types)
    kind = group.instance.get("InstanceType", "")
    return [str(kind)] if kind else []
