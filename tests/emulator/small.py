"""Assemblies of one small stack, for tests of how the CDK CLI deploys and not of what."""

import json
from pathlib import Path
from typing import Any

from emulator.process import ACCOUNT, REGION

STACK = "small"
ADDRESS = {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}}
BROKEN = {"Type": "AWS::EC2::EIP", "Properties": {"Unknown": "property"}}
NEVER_READY = {
    "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
    "Condition": {
        "Type": "AWS::CloudFormation::WaitCondition",
        "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "600"},
    },
}


def assembly(folder: Path, resources: dict[str, Any]) -> Path:
    """Writes the assembly, which needs no bootstrap, into ``folder``."""
    folder.mkdir(exist_ok=True)
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": f"aws://{ACCOUNT}/{REGION}",
        "properties": {"templateFile": f"{STACK}.template.json"},
    }
    (folder / "manifest.json").write_text(json.dumps({"version": "36.0.0", "artifacts": {STACK: stack}}))
    (folder / f"{STACK}.template.json").write_text(json.dumps({"Resources": resources}))
    return folder


def cluster(version: str) -> dict[str, Any]:
    """Returns the resources of a cluster: the least that EKS takes."""

    def subnet(zone: int) -> dict[str, Any]:
        properties = {
            "VpcId": {"Ref": "Vpc"},
            "CidrBlock": f"10.0.{zone}.0/24",
            "AvailabilityZone": f"{REGION}{'ab'[zone]}",
        }
        return {"Type": "AWS::EC2::Subnet", "Properties": properties}

    trust = {"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "SubnetA": subnet(0),
        "SubnetB": subnet(1),
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": [trust]}}},
        "Cluster": {
            "Type": "AWS::EKS::Cluster",
            "Properties": {
                "Name": STACK,
                "Version": version,
                "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "ResourcesVpcConfig": {"SubnetIds": [{"Ref": "SubnetA"}, {"Ref": "SubnetB"}]},
            },
        },
    }
