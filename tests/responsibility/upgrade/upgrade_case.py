"""Small templates to upgrade."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from responsibility.upgrade.command import Request, playbook
from responsibility.upgrade.playbook import ClusterPlaybook, Gate, Verdict

AS_OF = date(2026, 11, 24)
Resources = dict[str, dict[str, Any]]


def cluster(version: Any = "1.36", **more: Any) -> dict[str, Any]:
    subnets = {"SubnetIds": [{"Ref": "A"}, {"Ref": "B"}]}
    properties = {"Name": "shop", "Version": version, "RoleArn": "arn:aws:iam::123456789012:role/c"}
    properties |= {"ResourcesVpcConfig": subnets, **more}
    return {"Type": "AWS::EKS::Cluster", "Properties": {key: value for key, value in properties.items() if value}}


def subnet(cidr: str, zone: str) -> dict[str, Any]:
    return {
        "Type": "AWS::EC2::Subnet",
        "Properties": {"VpcId": "vpc-1", "CidrBlock": cidr, "AvailabilityZone": zone},
    }


def group(**more: Any) -> dict[str, Any]:
    properties = {"ClusterName": {"Ref": "Cluster"}, "NodegroupName": "general", "Version": "1.36"}
    properties |= {"AmiType": "AL2023_x86_64_STANDARD", "Subnets": [{"Ref": "A"}], **more}
    return {"Type": "AWS::EKS::Nodegroup", "Properties": {key: value for key, value in properties.items() if value}}


def own_nodes(image: str) -> Resources:
    tag = {"Key": "kubernetes.io/cluster/shop", "Value": "owned", "PropagateAtLaunch": True}
    template = {"LaunchTemplateId": {"Ref": "Own"}, "Version": "1"}
    return {
        "Own": {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": {"ImageId": image}}},
        "Nodes": {
            "Type": "AWS::AutoScaling::AutoScalingGroup",
            "Properties": {"MinSize": "1", "MaxSize": "3", "LaunchTemplate": template, "Tags": [tag]},
        },
    }


def write(folder: Path, resources: Resources, manifests: str = "") -> str:
    """A folder with one stack, and perhaps a file of Kubernetes objects."""
    base = {"A": subnet("10.0.0.0/20", "eu-west-1a"), "B": subnet("10.0.16.0/20", "eu-west-1b")}
    template = {"Resources": {"Cluster": cluster(), **base, **resources}}
    (folder / "stack.json").write_text(json.dumps(template))
    if manifests:
        (folder / "objects.yaml").write_text(manifests)
    return str(folder)


def upgraded(folder: Path, resources: Resources, manifests: str = "", target: str = "1.37") -> ClusterPlaybook:
    request = Request(target, write(folder, resources, manifests), AS_OF)
    return playbook(request).clusters[0]


def of(book: ClusterPlaybook, topic: str, verdict: Verdict | None = None) -> list[Gate]:
    return [gate for gate in book.gates if gate.topic == topic and verdict in (None, gate.verdict)]
