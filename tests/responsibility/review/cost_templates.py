"""Small templates, and what they cost."""

from datetime import date
from pathlib import Path
from typing import Any

from responsibility.document import Cost, CostLine
from responsibility.reading.facts import Facts
from responsibility.reading.reader import read
from responsibility.reading.sources import Sources
from responsibility.reading.template import Template
from responsibility.review.cost import cost, load_prices

DAY = date(2026, 11, 24)
HOURS = 730


def facts(resources: dict[str, Any], region: str = "us-east-1", **stacks: dict[str, Any]) -> Facts:
    every = {"main": resources, **stacks}
    templates = [Template(name, f"{name}.json", {"Resources": body}, "", "", region) for name, body in every.items()]
    return read(Sources("test", templates), DAY)


def priced(resources: dict[str, Any], region: str = "us-east-1", file: Path | None = None) -> Cost:
    return cost(facts(resources, region), load_prices(file), DAY)


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def only(found: Cost, what: str) -> CostLine:
    lines = [line for line in found.lines if what in line.what]
    assert len(lines) == 1, [line.what for line in found.lines]
    return lines[0]


def cluster(**properties: Any) -> dict[str, Any]:
    return {"Cluster": resource("AWS::EKS::Cluster", **{"Name": "demo", "Version": "1.36", **properties})}


def nodes(**properties: Any) -> dict[str, Any]:
    return {**cluster(), "Nodes": resource("AWS::EKS::Nodegroup", ClusterName=ref("Cluster"), **properties)}


def network() -> dict[str, Any]:
    return {
        "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16"),
        "A": resource("AWS::EC2::Subnet", VpcId=ref("Vpc"), MapPublicIpOnLaunch=True),
        "B": resource("AWS::EC2::Subnet", VpcId=ref("Vpc")),
        "Address": resource("AWS::EC2::EIP"),
        "Nat": resource(
            "AWS::EC2::NatGateway", SubnetId=ref("A"), AllocationId={"Fn::GetAtt": ["Address", "AllocationId"]}
        ),
        "Ecr": resource(
            "AWS::EC2::VPCEndpoint",
            VpcEndpointType="Interface",
            ServiceName="com.amazonaws.us-east-1.ecr.dkr",
            VpcId=ref("Vpc"),
            SubnetIds=[ref("A"), ref("B")],
        ),
        "S3": resource("AWS::EC2::VPCEndpoint", ServiceName="com.amazonaws.us-east-1.s3", VpcId=ref("Vpc")),
    }


def fargate(*objects: dict[str, Any]) -> dict[str, Any]:
    return {
        **cluster(),
        "Profile": resource("AWS::EKS::FargateProfile", ClusterName=ref("Cluster"), Selectors=[{"Namespace": "shop"}]),
        "Objects": resource(
            "Custom::AWSCDK-EKS-KubernetesResource", ClusterName=ref("Cluster"), Manifest=list(objects)
        ),
    }


def workload(kind: str = "Deployment", namespace: str = "shop", **spec: Any) -> dict[str, Any]:
    container = {"name": "web", "resources": {"requests": {"cpu": "1", "memory": "8Gi"}}}
    pod = {"containers": [container], "initContainers": [{"resources": {"limits": {"cpu": "500m"}}}]}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"template": {"metadata": {}, "spec": pod}, **spec},
    }
