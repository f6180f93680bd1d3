"""EC2 instances of node groups and of Auto Scaling groups, and instance refreshes: as many as are asked for, made when somebody looks.

No machine starts: an instance is what EC2's and EC2 Auto Scaling's APIs answer about it.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from emulator.engine import autoscaling, guards, port
from emulator.engine.eks.releases import newest
from emulator.engine.eks.state import State

Record = dict[str, Any]
_OURS = "_group"
"""Marks an instance that a group has, with the group's name: instances that somebody else made stay."""


@dataclass(frozen=True)
class _Wanted:
    """An instance that is to be there."""

    id: str
    group: str
    image: str
    type: str
    subnet: str
    tags: Mapping[str, str]


def install(states: Callable[[], State]) -> None:
    """Brings instances up to date before each answer about them; ``states`` returns EKS's of the request's account and region."""

    def looking(original: Any) -> Any:
        def answer(parameters: Any) -> Any:
            _bring_up_to_date(states())
            return original(parameters)

        return answer

    guards.LOOKED_AT.append(lambda: _bring_up_to_date(states()))
    for name in ("DescribeInstances", "DescribeVolumes"):
        port.ec2_operations[name] = looking(port.ec2_operations[name])
    for name in ("DescribeAutoScalingGroups", "DescribeAutoScalingInstances"):
        port.autoscaling_operations[name] = looking(port.autoscaling_operations[name])


def refresh(group: Record, preferences: Mapping[str, Any]) -> None:
    """Replaces a group's instances by new ones, as CloudFormation's AutoScalingInstanceRefresh does when the launch template changes."""
    moment = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    done = {
        "InstanceRefreshId": str(uuid.uuid4()),
        "AutoScalingGroupName": group["AutoScalingGroupName"],
        "Status": "Successful",
        "StatusReason": "",
        "StartTime": moment,
        "EndTime": moment,
        "PercentageComplete": 100,
        "InstancesToUpdate": 0,
        "Preferences": dict(preferences),
    }
    group.setdefault("InstanceRefreshes", []).insert(0, done)
    group["Instances"].clear()


def _bring_up_to_date(state: State) -> None:
    with state.lock:
        state.settle()
        wanted = {one.id: one for one in (*_of_groups(), *_of_node_groups(state))}
    for identifier in [key for key, one in port.instances.items() if one.get(_OURS) and key not in wanted]:
        _end(identifier)
    for identifier, one in wanted.items():
        if identifier not in port.instances:
            _start(one)


def _of_groups() -> Iterator[_Wanted]:
    for name, group in port.autoscaling_groups.items():
        props = group.get("_properties")
        if not props:
            continue
        port.reconcile_group(group)  # ministack's list of the group's instances
        data = autoscaling.launch_data(props)
        subnets = [one for one in props.get("VPCZoneIdentifier") or [] if one in port.subnets] or [""]
        tags = {one["Key"]: str(one["Value"]) for one in props.get("Tags") or [] if one.get("PropagateAtLaunch")}
        for index, one in enumerate(group["Instances"]):
            subnet = subnets[index % len(subnets)]
            one["AvailabilityZone"] = (port.subnets.get(subnet) or {}).get("AvailabilityZone", one["AvailabilityZone"])
            own = {**tags, "aws:autoscaling:groupName": name}
            yield _Wanted(
                one["InstanceId"], name, data.get("ImageId", ""), autoscaling.first_type(props, data), subnet, own
            )


def _of_node_groups(state: State) -> Iterator[_Wanted]:
    for (kind, cluster, name), group in state.children.items():
        if kind != "nodegroup" or group["status"] in ("CREATING", "DELETING", "CREATE_FAILED"):
            continue
        image = f"{group['amiType']} {group['releaseVersion'] or newest(group['amiType'], group['version'])}"
        launch = group.get("launchTemplate") or {}
        looks = (group["nodegroupArn"], group["version"], image, launch.get("id"), launch.get("version"))
        tags = {
            "eks:cluster-name": cluster,
            "eks:nodegroup-name": name,
            f"kubernetes.io/cluster/{cluster}": "owned",
            "aws:autoscaling:groupName": group["resources"]["autoScalingGroups"][0]["name"],
        }
        for index in range(group["scalingConfig"]["desiredSize"]):
            number = sha256(f"{looks} {index}".encode()).hexdigest()[:17]
            subnet = group["subnets"][index % len(group["subnets"])]
            ami = f"ami-{sha256(image.encode()).hexdigest()[:17]}"
            yield _Wanted(f"i-{number}", f"{cluster}/{name}", ami, group["instanceTypes"][0], subnet, tags)


def _start(wanted: _Wanted) -> None:
    (made,) = port.launch_instances(image_id=wanted.image, instance_type=wanted.type, subnet_id=wanted.subnet, count=1)
    del port.instances[made["InstanceId"]]
    for mapping in made["BlockDeviceMappings"]:
        for attachment in port.volumes[mapping["Ebs"]["VolumeId"]]["Attachments"]:
            attachment["InstanceId"] = wanted.id
    made["Placement"]["AvailabilityZone"] = (port.subnets.get(wanted.subnet) or {}).get(
        "AvailabilityZone", made["Placement"]["AvailabilityZone"]
    )
    port.instances[wanted.id] = made | {"InstanceId": wanted.id, _OURS: wanted.group}
    port.ec2_tags[wanted.id] = [{"Key": key, "Value": value} for key, value in wanted.tags.items()]


def _end(identifier: str) -> None:
    gone = port.instances.pop(identifier)
    port.ec2_tags.pop(identifier, None)
    for mapping in gone["BlockDeviceMappings"]:
        port.volumes.pop(mapping["Ebs"]["VolumeId"], None)
