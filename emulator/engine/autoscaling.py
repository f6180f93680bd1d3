"""Auto Scaling groups, as self-managed nodes need them: ministack's, with what it leaves out, and who joins which cluster.

Their instances are in ``instances.py``; their nodes in the clusters' Kubernetes (``engine/kubernetes/``).
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from eks_facts.user_data import NodeSettings, node_settings
from emulator.engine import port
from emulator.engine.ec2.answers import shaped
from emulator.engine.provider import Properties

KIND = "AWS::AutoScaling::AutoScalingGroup"
_OWNED = "kubernetes.io/cluster/"
_ADDED = (
    "MixedInstancesPolicy",
    "CapacityRebalance",
    "MaxInstanceLifetime",
    "InstanceMaintenancePolicy",
    "NewInstancesProtectedFromScaleIn",
    "TargetGroupARNs",
    "DefaultInstanceWarmup",
    "DesiredCapacityType",
)
"""Members that ministack does not keep or does not describe."""
Record = dict[str, Any]


def install(refreshed: Callable[[Record, Mapping[str, Any]], None]) -> None:
    """Puts checks before ministack's handlers, and what it leaves out behind them.

    Args:
        refreshed: replaces a group's instances, where its update policy says so.
    """
    handlers = port.resource_handlers[KIND] = dict(port.resource_handlers[KIND])

    create, update = handlers["create"], handlers["update"]

    def created(logical_id: str, props: Properties, stack_name: str) -> Any:
        check(props)
        name, attributes, *rest = create(logical_id, props, stack_name)
        _complete(name, props)
        return (name, attributes, *rest)

    def updated(name: str, old: Properties, new: Properties, stack_name: str, logical_id: str) -> Any:
        check(new)
        size = port.autoscaling_groups[name]["DesiredCapacity"] if name in port.autoscaling_groups else 0
        found, attributes, *rest = update(name, old, new, stack_name, logical_id)
        _complete(found, new)
        group = port.autoscaling_groups[found]
        if found == name and "DesiredCapacity" not in new:  # an autoscaler's number stays, within the bounds
            group["DesiredCapacity"] = min(max(size, int(new["MinSize"])), int(new["MaxSize"]))
        if found == name and list(_specifications(old)) != list(_specifications(new)):
            policy = _update_policy(stack_name, logical_id)
            if policy is not None:
                refreshed(group, policy)
        return (found, attributes, *rest)

    handlers["create"], handlers["update"] = created, updated
    port.autoscaling_operations["DescribeAutoScalingGroups"] = _described(
        port.autoscaling_operations["DescribeAutoScalingGroups"]
    )


def check(props: Properties) -> None:
    """Raises ValueError for what EC2 Auto Scaling refuses.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html
    """
    least, most = int(props["MinSize"]), int(props["MaxSize"])
    desired = int(props.get("DesiredCapacity") or least)
    if not least <= desired <= most:
        raise ValueError(
            f"Desired capacity:{desired} must be between the specified min size:{least} and max size:{most}"
        )
    named = [props.get("LaunchTemplate"), props.get("MixedInstancesPolicy"), props.get("LaunchConfigurationName")]
    if sum(one is not None for one in named) != 1 and not props.get("InstanceId"):
        raise ValueError(
            "Valid requests must contain exactly one of launchTemplate, launchConfigurationName, mixedInstancesPolicy, instanceId"
        )
    for specification in _specifications(props):
        template, version = _template(specification), str(specification.get("Version", ""))
        if template is None:
            raise ValueError(f"You must use a valid fully-formed launch template: {specification} does not exist")
        if version.isdigit() and int(version) not in [int(one["VersionNumber"]) for one in template["Versions"]]:
            raise ValueError(f"You must use a valid fully-formed launch template: it has no version {version}")
        data = _data(specification)
        if not data.get("ImageId"):
            raise ValueError("You must use a valid fully-formed launch template. The launch template has no ImageId")
        if not (data.get("InstanceType") or data.get("InstanceRequirements") or props.get("MixedInstancesPolicy")):
            raise ValueError(
                "You must use a valid fully-formed launch template. The launch template has no InstanceType"
            )
    for subnet in props.get("VPCZoneIdentifier") or []:
        if subnet not in port.subnets:
            raise ValueError(f"The subnet ID '{subnet}' does not exist")


def _update_policy(stack_name: str, logical_id: str) -> Mapping[str, Any] | None:
    """Returns the settings of the instance refresh that a template has for a group; None: it has none."""
    resources = port.stacks[stack_name]["_template"]["Resources"]
    policy = resources[logical_id].get("UpdatePolicy", {}).get("AutoScalingInstanceRefresh")
    return None if policy is None else dict(policy.get("Preferences", {}))


def _complete(name: str, props: Properties) -> None:
    group = port.autoscaling_groups[name]
    group |= {key: props.get(key) for key in _ADDED}
    group["_properties"] = props
    for key in [
        key
        for key, hook in port.autoscaling_hooks.items()
        if hook["AutoScalingGroupName"] == name and hook.get("_inline")
    ]:
        del port.autoscaling_hooks[key]
    for hook in props.get("LifecycleHookSpecificationList") or []:
        port.autoscaling_hooks[f"{name}/{hook['LifecycleHookName']}"] = {
            "HeartbeatTimeout": 3600,
            "DefaultResult": "ABANDON",
            "NotificationTargetARN": "",
            "RoleARN": "",
            "NotificationMetadata": "",
            **hook,
            "AutoScalingGroupName": name,
            "_inline": True,
        }


def _described(original: Any) -> Any:
    """Adds the members that ministack leaves out to its description of each group."""

    def describe(parameters: Mapping[str, Any]) -> Any:
        status, headers, body = original(parameters)
        text = body.decode() if isinstance(body, bytes) else body
        for name, group in port.autoscaling_groups.items():
            more = {
                key: group[key]
                for key in _ADDED
                if group.get(key) is not None and key != "NewInstancesProtectedFromScaleIn"
            }
            mark = f"<member><AutoScalingGroupName>{name}</AutoScalingGroupName>"
            text = text.replace(mark, mark + shaped(more, "AutoScalingGroup", "autoscaling"))
        return status, headers, text.encode()

    return describe


def _specifications(props: Properties) -> Iterator[Record]:
    if props.get("LaunchTemplate"):
        yield props["LaunchTemplate"]
    if mixed := props.get("MixedInstancesPolicy"):
        yield mixed["LaunchTemplate"]["LaunchTemplateSpecification"]


def _template(specification: Mapping[str, Any]) -> Record | None:
    names = (specification.get("LaunchTemplateId"), specification.get("LaunchTemplateName"))
    found: list[Record] = [
        one
        for one in port.launch_templates.values()
        if one["LaunchTemplateId"] in names or one["LaunchTemplateName"] in names
    ]
    return found[0] if found else None


def _data(specification: Mapping[str, Any]) -> Record:
    """Returns the settings of the version of a launch template that a specification names."""
    template = _template(specification)
    if template is None:
        return {}
    version = str(specification.get("Version", "$Default"))
    wanted = template.get("LatestVersionNumber" if version == "$Latest" else "DefaultVersionNumber")
    number = int(version) if version.isdigit() else int(wanted or 1)
    found = [one for one in template["Versions"] if int(one["VersionNumber"]) == number]
    data: Record = found[0].get("LaunchTemplateData", {}) if found else {}
    return data


def launch_data(props: Properties) -> Record:
    """Returns the settings of the launch template that a group starts instances from."""
    return next((_data(one) for one in _specifications(props)), {})


def instance_tags(cluster: str) -> Iterator[dict[str, str]]:
    """Yields the tags of the instances of each group that is tagged for a cluster: of its launch template, and those that it hands on."""
    for group in port.autoscaling_groups.values():
        props = group.get("_properties") or {}
        tags = props.get("Tags") or []
        if any(tag["Key"] == f"{_OWNED}{cluster}" for tag in tags):
            of_template = launch_data(props).get("TagSpecifications") or []
            own = [tag for one in of_template if one.get("ResourceType") == "instance" for tag in one.get("Tags") or []]
            handed_on = [tag for tag in tags if str(tag.get("PropagateAtLaunch", True)).lower() == "true"]
            yield {tag["Key"]: tag["Value"] for tag in (*own, *handed_on)}


def first_type(props: Properties, data: Record) -> str:
    """Returns the first of the instance types that a group may use."""
    overrides = (props.get("MixedInstancesPolicy") or {}).get("LaunchTemplate", {}).get("Overrides") or []
    types = [one["InstanceType"] for one in overrides if one.get("InstanceType")]
    return str((types or [data.get("InstanceType")])[0] or "")


def joining(cluster: str, roles: Mapping[str, str]) -> Iterator[Record]:
    """Yields groups whose instances join a cluster, in the words of ``local_kubernetes.nodes.compute.Compute.instances``.

    An instance joins if its group is tagged for the cluster, and the role of its instance profile has an access entry of nodes.

    Args:
        cluster: its name.
        roles: types of access entries by the name of their role.
    """
    for name, group in port.autoscaling_groups.items():
        props = group.get("_properties")
        if not props or f"{_OWNED}{cluster}" not in [one["Key"] for one in props.get("Tags") or []]:
            continue
        data = launch_data(props)
        profile = data.get("IamInstanceProfile") or {}
        wanted = str(profile.get("Name") or profile.get("Arn", "")).rsplit("/", 1)[-1]
        found = (port.instance_profiles.get(wanted) or {}).get("Roles") or []
        names = [one if isinstance(one, str) else one.get("RoleName") for one in found]
        kinds = {roles[one] for one in names if one in roles}
        if not kinds & {"EC2_LINUX", "EC2_WINDOWS"}:
            continue
        zones = sorted(
            {
                port.subnets[one]["AvailabilityZone"]
                for one in props.get("VPCZoneIdentifier") or []
                if one in port.subnets
            }
        )
        said = _of_user_data(str(data.get("UserData", "")))
        yield {
            "name": name,
            "count": int(group["DesiredCapacity"]),
            "instance_type": first_type(props, data),
            "zones": zones,
            "labels": said.labels,
            "taints": said.taints,
            "max_pods": said.max_pods,
            "windows": "EC2_WINDOWS" in kinds,
        }


def _of_user_data(encoded: str) -> NodeSettings:
    """Returns what user data gives a node; nothing where it is no text."""
    try:
        return node_settings(base64.b64decode(encoded, validate=True).decode())
    except (binascii.Error, UnicodeDecodeError):
        return NodeSettings()
