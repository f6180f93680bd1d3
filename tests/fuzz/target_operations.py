"""What make deploy, destroy and smoke ask an account: answers of any shape end in a line, and nothing is run on a bad one."""

import random
from functools import cache
from typing import Any

from operations.all_assumptions import assumptions
from operations.assumptions import Seen, answer
from operations.deployed_stacks import DeployedStacks
from operations.deploying import deploy
from operations.destroying import destroy
from responsibility.account.errors import AccountError
from safe_io.errors import BadInput
from tests.fuzz.driver import Target
from tests.fuzz.mutations import changed_data
from tests.support.environments import NODES, minimal, validated

_TAGS = [{"Key": "eks-platform/environment", "Value": "t"}]
_TAGGED = [{"Key": "eks:eks-cluster-name", "Value": "c"}, {"Key": "karpenter.sh/nodepool", "Value": "x"}]
_ANSWERS: dict[str, Any] = {
    "describe_stacks": [
        {"StackName": name, "StackStatus": "CREATE_COMPLETE", "EnableTerminationProtection": False, "Tags": _TAGS}
        for name in ("t-foundation", "t-network", "t-control-plane-c", "t-workloads-c", "t-protection-c")
    ],
    "get_template": {"Resources": {"B": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Delete"}}},
    "list_stack_resources": [
        {
            "LogicalResourceId": "V",
            "ResourceType": "AWS::EC2::VPC",
            "PhysicalResourceId": "vpc-1",
            "ResourceStatus": "X",
        },
        {"LogicalResourceId": "B", "ResourceType": "AWS::S3::Bucket", "PhysicalResourceId": "b", "ResourceStatus": "X"},
    ],
    "describe_cluster": {
        "status": "ACTIVE",
        "version": "1.36",
        "resourcesVpcConfig": {"clusterSecurityGroupId": "sg-1"},
    },
    "list_object_versions": [],
    "describe_load_balancers": [{"LoadBalancerArn": "arn", "VpcId": "vpc-1"}],
    "describe_tags": [{"ResourceArn": "arn", "Tags": _TAGGED}],
    "describe_instances": [{"Instances": [{"InstanceId": "i-1", "Tags": _TAGGED}]}],
    "describe_volumes": [{"VolumeId": "vol-1", "Tags": _TAGGED}],
    "describe_vpc_endpoints": [{"VpcEndpointId": "vpce-1", "ServiceName": "guardduty-data", "State": "available"}],
    "describe_network_interfaces": [{"NetworkInterfaceId": "eni-1", "Description": "x"}],
    "describe_security_groups": [{"GroupId": "sg-1", "GroupName": "x", "Tags": _TAGGED}],
    "list_addons": ["coredns"],
    "describe_addon": {"status": "DEGRADED", "health": {"issues": [{"code": "x"}]}},
    "list_nodegroups": ["general"],
    "describe_nodegroup": {"status": "ACTIVE", "health": {"issues": []}},
    "describe_log_groups": [{"logGroupName": "/aws/eks/c/cluster", "retentionInDays": 1}],
}


class _Asked:
    region = "eu-west-1"

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers

    def one(self, _service: str, method: str, _key: str, **_: Any) -> Any:
        if method not in self.answers:
            raise AccountError(f"{method}: not allowed", "AccessDenied")
        return self.answers[method]

    def items(self, service: str, method: str, key: str, **_: Any) -> list[Any]:
        found = self.one(service, method, key)
        return found if isinstance(found, list) else [found]


@cache
def _environment() -> Any:
    return validated(minimal({"auto_mode": {}, "managed_nodes": NODES}))


def _play(answers: dict[str, Any]) -> None:
    account, environment, said = _Asked(answers), _environment(), []

    def run(command: Any) -> int:
        assert all(isinstance(word, str) for word in command)
        return 0

    refusals = []
    for act in (
        lambda: deploy(environment, lambda: account, ["cdk"], run=run, ask=lambda _: "yes", say=said.append),
        lambda: destroy(environment, lambda: account, ["cdk"], anyway=True, look=False, run=run, say=said.append),
        lambda: destroy(environment, lambda: account, ["cdk"], anyway=False, look=True, run=run, say=said.append),
    ):
        try:
            act()
        except BadInput as refusal:
            refusals.append(refusal)
    try:
        seen = Seen(environment, environment.clusters[0], account, DeployedStacks(account, environment), None)
        said += [" ".join(answer(one, seen)) for one in assumptions() if one.applies(seen)]
    except AccountError as problem:
        refusals.append(BadInput(str(problem)))
    assert all(isinstance(line, str) for line in said)
    if refusals:
        raise refusals[0]


def _draw(rng: random.Random) -> dict[str, Any]:
    return dict(changed_data(_ANSWERS, rng))


TARGETS = (Target("operations", _draw, _play, cases=120),)
