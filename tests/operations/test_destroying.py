"""`make destroy`: what stops a deletion after real use is found before it begins, with its name and what removes it."""

from collections.abc import Sequence
from typing import Any

import pytest

from operations.destroying import destroy
from operations.empty_bucket import empty_bucket
from responsibility.account.errors import AccountError
from safe_io.errors import BadInput
from tests.operations.fake_account import DENIED, FakeAccount, stack
from tests.support.environments import NODES, minimal, validated

THERE = [
    stack(f"t-{name}")
    for name in ("foundation", "network", "egress", "control-plane-c", "compute-c", "workloads-c", "protection-c")
]
CLUSTERS = ["t-protection-c", "t-workloads-c", "t-compute-c", "t-control-plane-c"]


def resource(kind: str, identity: str, logical_id: str = "It") -> dict[str, str]:
    summary = {"LogicalResourceId": logical_id, "ResourceType": kind, "PhysicalResourceId": identity}
    return {**summary, "ResourceStatus": "CREATE_COMPLETE"}


NETWORK = [resource("AWS::EC2::VPC", "vpc-1")]
EGRESS = [resource("AWS::EC2::VPCEndpoint", "vpce-ours", "Ecr")]
BALANCER = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/1"


class Destroy:
    """A destroy whose CDK deletes nothing but in the test's list of stacks, and what was seen of it."""

    def __init__(self, answers: dict[str, Any], data: dict[str, Any] | None = None) -> None:
        self.account = FakeAccount(
            {
                "describe_stacks": list(THERE),
                "list_stack_resources t-network": NETWORK,
                "list_stack_resources t-egress": EGRESS,
                **answers,
            }
        )
        self.environment = validated(data or minimal({"managed_nodes": NODES}))
        there = (
            [one["StackName"] for one in self.account.answers["describe_stacks"]]
            if isinstance(self.account.answers["describe_stacks"], list)
            else CLUSTERS
        )
        self.clusters = [name for name in CLUSTERS if name in there]
        self.ran: list[list[str]] = []
        self.said: list[str] = []

    def __call__(self, *, anyway: bool = False, look: bool = False) -> int:
        return destroy(
            self.environment,
            lambda: self.account,
            ["cdk"],
            anyway=anyway,
            look=look,
            run=self._run,
            say=self.said.append,
        )

    def _run(self, command: Sequence[str]) -> int:
        self.ran.append(list(command[1:]))
        if self.account.answers["describe_stacks"] is not DENIED and "t-network" not in command:
            self.account.answers["describe_stacks"] = [stack(f"t-{one}") for one in ("foundation", "network", "egress")]
        return 0


def tags(**values: str) -> list[dict[str, str]]:
    return [{"Key": key.replace("__", "/").replace("_", "."), "Value": value} for key, value in values.items()]


def balancer(**values: str) -> dict[str, Any]:
    return {
        "describe_load_balancers": [{"LoadBalancerArn": BALANCER, "VpcId": "vpc-2"}],
        "describe_tags": [{"ResourceArn": BALANCER, "Tags": tags(**values)}],
    }


def instance(identity: str, found: list[dict[str, str]]) -> dict[str, Any]:
    return {"describe_instances": [{"Instances": [{"InstanceId": identity, "Tags": found}]}]}


KARPENTER = minimal(
    {"managed_nodes": NODES, "karpenter": {"node_pools": [{"name": "spot", "instance_categories": ["m"]}]}}
)
OURS = {"Key": "eks:eks-cluster-name", "Value": "c"}
BEFORE = {
    # what is there: what is said of it
    "termination protection": (
        {"describe_stacks": [*THERE[:3], stack("t-protection-c", protected=True)]}, None,
        "stack t-protection-c has termination protection", "control_plane.deletion_protection: false for c",
    ),
    "deletion protection": (
        {"describe_cluster": {"deletionProtection": True}}, None,
        "cluster c has deletion protection", "aws eks update-cluster-config --name c --no-deletion-protection",
    ),
    "a load balancer": (
        balancer(elbv2_k8s_aws__cluster="c", ingress_k8s_aws__stack="web/web"), None,
        f"load balancer {BALANCER} of c, made for web/web", "make unapply ENV=t",
    ),
    "a load balancer of an old controller": (
        balancer(kubernetes_io__cluster__c="owned"), None, f"load balancer {BALANCER} of c", "kubectl get ingress",
    ),
    "nodes of Karpenter": (
        instance("i-1", [OURS, {"Key": "karpenter.sh/nodepool", "Value": "spot"}]), KARPENTER,
        "nodes that Karpenter made for c run: i-1", "kubectl delete nodepools --all",
    ),
    "old versions in a bucket": (
        {
            "get_template": {"Resources": {"B": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Delete"}}},
            "list_stack_resources t-workloads-c": [resource("AWS::S3::Bucket", "data", "B")],
            "list_object_versions data": [{"Key": "a"}],
        }, minimal({"managed_nodes": NODES}, workloads=[{"name": "bucket-reader", "compute": "managed_nodes"}]),
        "bucket data of c has objects, or old versions", "python -m operations empty-bucket data",
    ),
    "a stack that left the file": (
        {"describe_stacks": [*THERE[:5], stack("t-workloads-old")], "get_template": {"Resources": {}}}, None,
        "stack t-workloads-old belongs to this environment, but is no longer in its file",
        "aws cloudformation delete-stack --stack-name t-workloads-old",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BEFORE)
def test_what_stops_the_clusters_is_said_before_anything_is_deleted(what: str) -> None:
    answers, data, said, command = BEFORE[what]
    # A cluster without workloads has no stack for them: one that is there all the same stops it too.
    there = [one for one in THERE if data or one["StackName"] != "t-workloads-c"]
    run = Destroy({"describe_stacks": there, **answers}, data)
    with pytest.raises(BadInput, match="1 of these would stop the deletion half-way"):
        run()
    assert run.ran == []
    assert any(line.startswith(f"stops it: {said}") for line in run.said)
    assert any(line.startswith(f"    {command}") for line in run.said)
    if "protection" in what:
        with pytest.raises(BadInput, match=r"make destroy ENV=t again$"):
            run(anyway=True)  # it would delete workloads and compute, and stop there
        assert run.ran == []
        return
    assert run(anyway=True) == 0
    assert run.ran == [run.clusters, ["t-egress", "t-network"]]


AFTER = {
    "GuardDuty's endpoint": (
        {"describe_vpc_endpoints": [
            {"VpcEndpointId": "vpce-1", "ServiceName": "com.amazonaws.eu-west-1.guardduty-data"},
            {"VpcEndpointId": "vpce-ours", "ServiceName": "com.amazonaws.eu-west-1.ecr.api"},
        ]},
        "VPC endpoint vpce-1 in vpc-1: GuardDuty's", "aws ec2 delete-vpc-endpoints --vpc-endpoint-ids vpce-1",
    ),
    "GuardDuty's security group": (
        {"describe_security_groups": [
            {"GroupId": "sg-1", "GroupName": "GuardDutyManagedSecurityGroup-vpc-1"}, {"GroupId": "sg-2", "GroupName": "default"},
        ]},
        "security group sg-1 in vpc-1 (GuardDutyManagedSecurityGroup-vpc-1)", "aws ec2 delete-security-group --group-id sg-1",
    ),
    "a load balancer": (
        {"describe_load_balancers": [{"LoadBalancerArn": BALANCER, "VpcId": "vpc-1"}], "describe_tags": []},
        f"load balancer {BALANCER} in vpc-1", f"aws elbv2 delete-load-balancer --load-balancer-arn {BALANCER}",
    ),
    "a node": (
        instance("i-1", []), "instance i-1 in vpc-1", "aws ec2 terminate-instances --instance-ids i-1",
    ),
    "an interface": (
        {"describe_network_interfaces": [{"NetworkInterfaceId": "eni-1", "Description": "aws-K8S-i-1"}]},
        "network interface eni-1 in vpc-1, left over (aws-K8S-i-1)", "aws ec2 delete-network-interface --network-interface-id eni-1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", AFTER)
def test_what_stops_the_networks_is_said_once_the_clusters_are_gone(what: str) -> None:
    answers, said, command = AFTER[what]
    run = Destroy({"describe_stacks": THERE[:5], **answers})
    with pytest.raises(BadInput, match="1 of these would stop"):
        run()
    assert run.ran == [run.clusters], "what stops the networks does not stop the clusters"
    assert any(line.startswith(f"stops it: {said}") for line in run.said)
    assert f"    {command}" in run.said


def test_what_goes_by_itself_stops_nothing() -> None:
    load_balancers = balancer(eks_eks_cluster_name="c").copy()
    load_balancers["describe_tags"][0]["Tags"] = [OURS, {"Key": "ingress.eks.amazonaws.com/stack", "Value": "web/web"}]
    run = Destroy(
        {"describe_stacks": THERE[:5], **load_balancers, "describe_volumes": [{"VolumeId": "vol-1", "Tags": [OURS]}]}
    )
    assert run() == 0
    assert run.ran == [run.clusters, ["t-egress", "t-network"]]
    assert any("goes with the cluster" in line for line in run.said)
    assert any("volumes of c that are not deleted with it: vol-1" in line for line in run.said)


def test_what_the_stack_of_workloads_deletes_itself_stops_nothing() -> None:
    """With `delivery: kubectl` its Ingress goes before the controller does."""
    data = minimal(
        {"managed_nodes": NODES},
        delivery="kubectl",
        workloads=[{"name": "web", "compute": "managed_nodes", "plain_http": True}],
    )
    namespace = "web-managed-nodes"
    data["clusters"][0]["workloads"][0]["namespace"] = namespace
    run = Destroy(balancer(elbv2_k8s_aws__cluster="c", ingress_k8s_aws__stack=f"{namespace}/web"), data)
    assert run() == 0
    other = Destroy(balancer(elbv2_k8s_aws__cluster="c", ingress_k8s_aws__stack="by-hand/web"), data)
    with pytest.raises(BadInput):
        other()


def test_what_cannot_be_seen_is_said_and_does_not_stop() -> None:
    denied = AccountError("elasticloadbalancing:DescribeLoadBalancers: not allowed", "AccessDenied")
    run = Destroy({"describe_stacks": THERE[:5], "describe_load_balancers": denied, "describe_volumes": [1]})
    assert run() == 0
    assert any(
        "load balancers: cannot be read: elasticloadbalancing:DescribeLoadBalancers: not allowed" in line
        for line in run.said
    )
    assert any("volumes: cannot be read: the answer does not have the shape" in line for line in run.said)
    nothing = Destroy({"describe_stacks": DENIED})
    assert nothing() == 0
    assert any("cannot be read" in line for line in nothing.said)
    assert nothing.ran == [
        [
            "t-protection-c",
            "t-workloads-c",
            "t-capabilities-c",
            "t-services-c",
            "t-compute-c",
            "t-access-c",
            "t-control-plane-c",
        ],
        ["t-egress", "t-network"],
    ]


def test_without_credentials_nothing_is_tried() -> None:
    run = Destroy({"describe_stacks": AccountError("cloudformation:DescribeStacks: no credentials. Sign in")})
    with pytest.raises(BadInput, match=r"no credentials. Sign in. Nothing was changed."):
        run()
    assert run.ran == []


def test_where_nothing_is_deployed_nothing_is_deleted() -> None:
    run = Destroy({"describe_stacks": [stack("t-foundation")]})
    assert run() == 0
    assert run.ran == []
    assert run.said == ["There is nothing to delete: no cluster or network of t is deployed."]


def test_a_look_deletes_nothing() -> None:
    answers, data, said, _ = BEFORE["deletion protection"]
    later = {**AFTER["GuardDuty's endpoint"][0], **AFTER["a node"][0]}
    run = Destroy({"describe_stacks": THERE[:5], **later, **answers}, data)
    assert run(look=True) == 0
    assert run.ran == []
    assert any(said in line for line in run.said)
    assert any("vpce-1" in line for line in run.said)
    assert not any("i-1" in line for line in run.said), "what is the cluster's goes with it"


def test_who_says_no_keeps_the_networks() -> None:
    run = Destroy({"describe_stacks": THERE[:5]})
    run._run = lambda command: run.ran.append(list(command)) or 0  # type: ignore[method-assign,func-returns-value]
    assert run() == 0
    assert len(run.ran) == 1
    assert run.said[-1] == "Still there: t-compute-c, t-control-plane-c. The networks stay."


def test_a_bucket_is_emptied_of_its_versions_once_its_name_is_typed() -> None:
    account = FakeAccount({"list_object_versions data": [{"Key": "a", "VersionId": str(n)} for n in range(1500)]})
    deleted: list[int] = []
    real = account.one

    def one(service: str, method: str, key: str, **parameters: Any) -> Any:
        if method == "delete_objects":
            deleted.append(len(parameters["Delete"]["Objects"]))
            return None
        return real(service, method, key, **parameters)

    account.one = one  # type: ignore[method-assign]
    with pytest.raises(BadInput, match="Nothing was changed"):
        empty_bucket(account, "data", ask=lambda _: "yes", say=lambda _: None)  # type: ignore[arg-type]
    assert deleted == []
    assert empty_bucket(account, "data", ask=lambda _: "data\n", say=lambda _: None) == 0  # type: ignore[arg-type]
    assert deleted == [1000, 1000, 1000], "versions and delete markers, a thousand at a time"


def test_what_stays_of_backups_and_sites_is_said_and_stops_no_cluster() -> None:
    site = {
        "remote_node_networks": ["192.168.0.0/20"],
        "remote_pod_networks": ["192.168.16.0/20"],
        "credentials": {"ssm": {}},
        "sites": [{"name": "site", "max_nodes": 2}],
    }
    data = minimal({"managed_nodes": NODES, "hybrid_nodes": site}) | {"region": "eu-west-1"}
    data["network"]["connections"] = [{"gateway_id": "tgw-0123456789abcdef0", "routes": ["192.168.0.0/16"]}]
    point = "arn:aws:backup:eu-west-1:111122223333:recovery-point:1"
    found = Destroy(
        {
            "describe_cluster": {"arn": "arn:aws:eks:eu-west-1:111122223333:cluster/c"},
            "describe_instance_information": [{"InstanceId": "mi-1"}],
            "get_template t-foundation": {
                "Resources": {"V": {"Type": "AWS::Backup::BackupVault", "DeletionPolicy": "Delete"}}
            },
            "list_stack_resources t-foundation": [resource("AWS::Backup::BackupVault", "eks-platform-t", "V")],
            "list_recovery_points_by_backup_vault eks-platform-t": [{"RecoveryPointArn": point}],
        },
        data,
    )
    assert found() == 0
    said = "\n".join(found.said)
    assert "note: machines of c that stay registered with Systems Manager: mi-1" in said
    assert "note: vault eks-platform-t has 1 backups, and make destroy-foundation stops at it" in said
    assert point in said
    stays = {"Resources": {"V": {"Type": "AWS::Backup::BackupVault", "DeletionPolicy": "Retain"}}}
    answers = {**found.account.answers, "describe_stacks": list(THERE), "get_template t-foundation": stays}
    kept = Destroy(answers, data)
    assert kept() == 0
    assert "vault" not in "\n".join(kept.said)
