"""Every shipped environment: deployed, compared with what AWS's API answers, deployed again, destroyed."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.process import ACCOUNT, REGION
from emulator.status import client
from responsibility.account.session import Account
from responsibility.audit.read import read
from responsibility.reading import sources
from responsibility.reading.eks import Cluster
from responsibility.reading.reader import read as read_facts
from responsibility.reading.running import Comparison
from tests.emulator.comparison import differences
from tests.emulator.deployment import Deployment, StackFailed, stacks_of
from tests.emulator.inventory import inventory
from tests.support.environments import ENVIRONMENTS, TODAY, environment_data

pytestmark = pytest.mark.xdist_group("emulator")

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {
                    "Service": [f"{one}.amazonaws.com" for one in ("eks", "ec2", "eks-fargate-pods", "pods.eks")]
                },
                "Action": ["sts:AssumeRole", "sts:TagSession"],
            }
        ],
    }
)
"""EKS refuses roles that its services cannot take, and those of nodes that could not join."""
POLICIES = (
    "AmazonEKSClusterPolicy",
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEKSFargatePodExecutionRolePolicy",
)


def existing_roles(value: Any) -> set[str]:
    """Path and name of the roles that an environment expects in the account: EKS refuses others."""
    if isinstance(value, dict | list):
        return {role for one in (value.values() if isinstance(value, dict) else value) for role in existing_roles(one)}
    found = re.fullmatch(rf"(?:arn:aws:iam::{ACCOUNT}:)?role(/[\w+=,.@/-]+)", str(value))
    return {found[1]} if found else set()


def make_roles(deployment: Deployment, roles: set[str]) -> None:
    iam = client(deployment.engine, "iam")
    for path, _, name in (one.rpartition("/") for one in roles):
        iam.create_role(RoleName=name, Path=f"{path}/", AssumeRolePolicyDocument=TRUST)
        for policy in POLICIES:
            iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")


def delete_roles(deployment: Deployment, roles: set[str]) -> None:
    iam = client(deployment.engine, "iam")
    for name in (one.rpartition("/")[2] for one in roles):
        for policy in POLICIES:
            iam.detach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
        iam.delete_role(RoleName=name)


@pytest.mark.parametrize(
    "name",
    [
        *ENVIRONMENTS,
        "examples/capabilities",
        "examples/add-ons",
        "examples/pod-identities",
        "examples/watched",
        "examples/teams",
        "examples/hub",
        "examples/existing-roles",
    ],
)
def test_deploy_compare_destroy(deployment: Deployment, assemble: Callable[..., Path], name: str) -> None:
    environment = environment_data(name)
    protected = [
        one["name"] for one in environment["clusters"] if one["control_plane"].get("deletion_protection", True)
    ]
    roles = existing_roles(environment)
    make_roles(deployment, roles)
    before = inventory(deployment.engine)
    assembly = assemble(environment)

    deployment.deploy(assembly)
    found = [one for stack, template in stacks_of(assembly) for one in differences(deployment, stack, template)]
    assert found == []
    assert _drift(deployment, assembly) == []
    assert {stack: [] for stack, _ in stacks_of(assembly)} == deployment.deploy(assembly)

    if protected:
        with pytest.raises(StackFailed, match="deletion protection is enabled"):
            deployment.destroy_all(assembly)
        eks = client(deployment.engine, "eks")
        for cluster in protected:
            eks.update_cluster_config(name=cluster, deletionProtection=False)
            eks.get_waiter("cluster_active").wait(name=cluster, WaiterConfig={"Delay": 1})
    for stack, _ in reversed(stacks_of(assembly)):
        if stack in deployment.states():
            deployment.destroy(stack)
    after = inventory(deployment.engine)
    unexpected = [one for one in after - before if not _meant_to_stay(one, environment)]
    assert unexpected == []
    assert before - after == set()
    delete_roles(deployment, roles)
    logs = client(deployment.engine, "logs")
    for kept in after - before:  # the next test may deploy an environment of that name again
        if kept.startswith("logs group "):
            logs.delete_log_group(logGroupName=kept.removeprefix("logs group "))


@pytest.mark.parametrize("name", ["people", "charts", "extends", "no-internet", "own-nodes"])
def test_examples_deploy(deployment: Deployment, assemble: Callable[..., Path], name: str) -> None:
    """Those whose compute others deploy and audit already: made, compared, taken away."""
    text = json.dumps(environment_data(f"examples/{name}")).replace("eu-west-1", REGION)
    if name == "own-nodes":
        text = text.replace("sg-0123456789abcdef0", _what_own_nodes_need(deployment))
    environment = json.loads(text)
    roles = existing_roles(environment)
    make_roles(deployment, roles)
    for one in environment["clusters"]:
        one["control_plane"]["deletion_protection"] = False
    assembly = assemble(environment)
    deployment.deploy(assembly)
    found = [one for stack, template in stacks_of(assembly) for one in differences(deployment, stack, template)]
    assert found == []
    deployment.destroy_all(assembly)
    delete_roles(deployment, roles)


def _what_own_nodes_need(deployment: Deployment) -> str:
    ec2, ssm = (client(deployment.engine, one) for one in ("ec2", "ssm"))
    for number in range(3):
        ssm.put_parameter(
            Name="/images/eks/al2023", Value=f"ami-0123456789abcde{number:02}", Type="String", Overwrite=True
        )
    return str(ec2.create_security_group(GroupName="corporate", Description="of the company")["GroupId"])


def test_ipv6(deployment: Deployment, assemble: Callable[..., Path]) -> None:
    data = environment_data("fargate")
    # Names of its own: the foundation of `fargate` stays, and with it the log groups of those names.
    data |= {"name": "six", "network": data["network"] | {"ipv6": True}, "foundation": {"retain": False}}
    data["clusters"][0]["name"] = "six"
    data["clusters"][0]["control_plane"]["ip_family"] = "ipv6"
    before = inventory(deployment.engine)
    assembly = assemble(data)
    deployment.deploy(assembly)
    found = [one for stack, template in stacks_of(assembly) for one in differences(deployment, stack, template)]
    assert found == []
    ec2 = client(deployment.engine, "ec2")
    subnets = [one for one in ec2.describe_subnets()["Subnets"] if one.get("Ipv6CidrBlockAssociationSet")]
    blocks = [one["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"] for one in subnets]
    assert len(blocks) == len(set(blocks)) >= 4
    assert all(block.endswith("/64") for block in blocks)
    assert {stack: [] for stack, _ in stacks_of(assembly)} == deployment.deploy(assembly)
    deployment.destroy_all(assembly)
    assert [one for one in inventory(deployment.engine) - before if "PendingDeletion" not in one] == []


def _drift(deployment: Deployment, assembly: Path) -> list[str]:
    """What the audit says that runs otherwise than its template says: nothing, of what was deployed a moment ago."""
    credentials = deployment.engine.environment({})
    with pytest.MonkeyPatch.context() as patch:
        for key in ("AWS_PROFILE", "AWS_REGION"):
            patch.delenv(key, raising=False)
        for key, value in credentials.items():
            patch.setenv(key, value)
        templates = read_facts(sources.read(str(assembly)), TODAY)
        names = [cluster.name for cluster in templates.all(Cluster)]
        facts = read(Account("audit"), names, say=lambda _: None, templates=templates)
    return [
        f"{one.words}: {difference}"
        for one in facts.all(Comparison)
        if (difference := one.resource.properties["Difference"])
    ]


def _meant_to_stay(thing: str, environment: dict[str, Any]) -> bool:
    """What a destroy leaves by design: keys that wait for their deletion; with ``foundation.retain``, the foundation and data."""
    if thing.startswith("kms PendingDeletion"):
        return True
    retained = environment.get("foundation", {}).get("retain", True)
    name = environment["name"]
    clusters = "|".join(one["name"] for one in environment["clusters"])
    return retained and bool(
        re.fullmatch(
            rf"(kms Enabled \S+|s3 bucket {name}-workloads-\S+"
            rf"|logs group /(eks-platform/{name}|aws/eks/({name}|{clusters}))/\S+|iam (role|policy) {name}-\S+)",
            thing,
        )
    )
