"""The audit of accounts of other kinds: one that allows no more than the documented policy, one with 200 clusters."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emulator import cdk, process
from emulator.process import Engine
from emulator.standing import client
from responsibility.account.permissions import policy
from tests.emulator.auditor import Auditor, deploy_demo

pytestmark = pytest.mark.xdist_group("emulator-audit-account")

TRUST = {"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}
MANY = 200


@pytest.fixture
def strict(home: Path) -> Iterator[Engine]:
    """An engine that asks for TLS, signatures and permissions."""
    yield process.start(home, strict=True)
    process.stop(home)


@pytest.fixture
def audit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Auditor:
    return Auditor(monkeypatch, capsys, tmp_path)


def user(engine: Engine, name: str, allowed: dict[str, Any]) -> Engine:
    """The engine, seen by a user with one policy."""
    iam = client(engine, "iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="audit", PolicyDocument=json.dumps(allowed))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return replace(engine, user_key=(key["AccessKeyId"], key["SecretAccessKey"]))


def test_the_documented_policy_is_enough_and_each_part_is_needed(
    strict: Engine, audit: Auditor, tmp_path: Path
) -> None:
    cdk.bootstrap(strict)
    assembly = deploy_demo(strict, tmp_path / "cdk.out")
    everything = audit(strict, "--assembly", str(assembly))
    documented = audit(user(strict, "documented", policy("audit")), "--assembly", str(assembly))
    assert "not allowed" not in audit.said
    assert documented.findings == everything.findings

    less = policy("audit")
    for statement in less["Statement"]:
        statement["Action"] = [one for one in statement["Action"] if one not in ("eks:ListAddons", "iam:GetRole")]
    lacking = audit(user(strict, "lacking", less))
    assert "eks:ListAddons in us-west-2: not allowed" in audit.said
    assert "iam:GetRole in us-west-2: not allowed" in audit.said
    met = {(one.code, one.subject) for one in documented.findings if one.status == "met"}
    assert {(one.code, one.subject) for one in lacking.findings if one.status == "met"} < met
    details = [one.detail for one in lacking.findings if one.status == "unknown"]
    assert any("eks:ListAddons: not allowed" in one for one in details)
    assert any("iam:GetRole: not allowed" in one for one in details)

    nobody = user(strict, "nobody", policy("lock-addons"))
    assert audit.code(nobody) == 2
    assert "eks:ListClusters: not allowed in us-west-2" in audit.said


def test_two_hundred_clusters_are_read_whole(engine: Engine, audit: Auditor) -> None:
    """In pages: EKS lists 100 at a time."""
    names = [f"many-{number:03}" for number in range(MANY)]
    eks, ec2, iam = (client(engine, name) for name in ("eks", "ec2", "iam"))
    role = iam.create_role(RoleName="many", AssumeRolePolicyDocument=json.dumps({"Statement": [TRUST]}))["Role"]["Arn"]
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.8.{index}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for index, zone in enumerate(("us-west-2a", "us-west-2b"))
    ]
    try:
        for name in names:
            eks.create_cluster(name=name, roleArn=role, version="1.36", resourcesVpcConfig={"subnetIds": subnets})
        document = audit(engine)
        found = [one.name for one in document.clusters]
        assert set(names) <= set(found)
        assert len(found) == len(set(found))
        assert "reading" not in audit.said, "progress is for a terminal alone"
        subjects = {one.subject for one in document.findings if one.code == "EKR001"}
        assert {f"cluster {name}" for name in names} <= subjects
    finally:
        waiter = eks.get_waiter("cluster_deleted")
        for name in names:
            eks.delete_cluster(name=name)
        for name in names:
            waiter.wait(name=name, WaiterConfig={"Delay": 0.05})
        for subnet in subnets:
            ec2.delete_subnet(SubnetId=subnet)
        ec2.delete_vpc(VpcId=vpc)
        iam.delete_role(RoleName="many")
