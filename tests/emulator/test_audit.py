"""The audit of an account that runs, over HTTP: what it says of a deployed demo, and of what is changed behind its back."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from emulator import process
from emulator.process import REGION, Engine
from emulator.status import client
from operations import __main__ as operations
from responsibility.checks import all_checks
from responsibility.document import Review
from responsibility.review.command import Request, review
from tests.emulator.auditor import Auditor
from tests.emulator.comparison import differences
from tests.emulator.deployment import Deployment, stacks_of
from tests.emulator.scenario import change_record, fault, let_fail

pytestmark = pytest.mark.xdist_group("emulator-audit")

BOTH = [check.info.code for check in all_checks("account") if check.info.only is None]
TODAY = datetime.now(UTC).date()
CLUSTER = "demo"


@pytest.fixture(scope="module")
def own_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine for this module alone: what is changed in it is not put right again."""
    home = tmp_path_factory.mktemp("audit") / "home"
    started = process.start(home)
    Deployment(started).bootstrap()
    yield started
    process.stop(home)


@pytest.fixture(scope="module")
def assembly(own_engine: Engine, assemble: Callable[..., Path]) -> Path:
    """The demo, deployed."""
    made = assemble("demo")
    Deployment(own_engine).deploy(made)
    return made


@pytest.fixture(autouse=True)
def _no_fault_stays(own_engine: Engine) -> Iterator[None]:
    yield
    let_fail(own_engine)


def answers(document: Review, codes: list[str]) -> Counter[tuple[str, str]]:
    return Counter((one.code, one.status) for one in document.findings if one.code in codes)


def opened(document: Review) -> dict[str, list[str]]:
    """What is open, by code: subject and detail."""
    found: dict[str, list[str]] = {}
    for one in document.findings:
        if one.status == "open":
            found.setdefault(one.code, []).append(f"{one.subject}: {one.detail}")
    return found


def test_operations_read_a_deployed_account(
    own_engine: Engine,
    assembly: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """What AWS's side of `make smoke`, and the looks of `make deploy` and `make destroy`, say of the demo."""
    assert assembly.is_dir()
    for key, value in own_engine.environment().items():
        if key.startswith("AWS_") or key.lower() == "no_proxy":
            monkeypatch.setenv(key, value)
    monkeypatch.setenv("PATH", str(tmp_path))  # no kubectl
    today = ["--", "-c", "today=2026-11-23"]
    assert operations.main(["smoke", "demo", *today]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "its Kubernetes API is skipped: kubectl is not installed" in lines[0]
    assert not [line for line in lines if line.startswith("not met")]
    assert len([line for line in lines if line.startswith("met")]) >= 5
    assert operations.main(["destroy", "demo", "--look", *today]) == 0
    said = capsys.readouterr().out
    assert "cannot be seen" not in said
    assert "stops it" not in said
    assert (
        operations.main(
            [
                "deploy",
                "demo",
                "--",
                "/bin/sh",
                "-c",
                "exit 7",
                "cdk",
                "-c",
                "today=2026-11-23",
                "--require-approval",
                "never",
            ]
        )
        == 7
    )
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("Desired sizes stay: -c sizes=demo/general:1"), "a cluster that is there: in one step"


def test_it_answers_what_the_review_answers(own_engine: Engine, assembly: Path, auditor: Auditor) -> None:
    written = review(Request(str(assembly), as_of=TODAY), warn=pytest.fail)
    runs = auditor(own_engine, "--assembly", str(assembly))
    assert answers(runs, BOTH) == answers(written, BOTH)
    assert [(one.name, one.version, [use.kind for use in one.compute]) for one in runs.clusters] == [
        (one.name, one.version, [use.kind for use in one.compute]) for one in written.clusters
    ]
    nodes = [one for one in runs.findings if one.code == "EKR149"]
    assert nodes
    assert {one.status for one in nodes} == {"met"}, "a group has its nodes"
    drift = [one for one in runs.findings if one.code == "EKR150"]
    eks = {
        "AWS::EKS::Cluster",
        "AWS::EKS::Addon",
        "AWS::EKS::AccessEntry",
        "AWS::EKS::Nodegroup",
        "AWS::EKS::FargateProfile",
    }
    templates = [json.loads(file.read_text())["Resources"].values() for file in assembly.glob("*.template.json")]
    assert len(drift) == sum(one["Type"] in eks for resources in templates for one in resources)
    assert {one.status for one in drift} == {"met"}
    assert all(at.api and not at.file for one in runs.findings if one.code in BOTH for at in one.evidence)


@pytest.mark.usefixtures("assembly")
def test_what_only_a_denied_call_tells_is_unknown(own_engine: Engine, auditor: Auditor) -> None:
    before = auditor(own_engine)
    let_fail(
        own_engine, fault("ListAddons", "AccessDeniedException"), fault("DescribeAccessEntry", "AccessDeniedException")
    )
    after = auditor(own_engine)
    assert "eks:ListAddons in us-west-2: not allowed" in auditor.said
    assert "Ask for the IAM action eks:ListAddons" in auditor.said
    met = {(one.code, one.subject) for one in before.findings if one.status == "met"}
    assert {(one.code, one.subject) for one in after.findings if one.status == "met"} < met
    unknown = {one.code: one.detail for one in after.findings if one.status == "unknown"}
    assert "eks:ListAddons: not allowed" in unknown["EKR126"]
    assert "eks:DescribeAccessEntry: not allowed" in unknown["EKR020"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("ExpiredTokenException", "the credentials have expired. Sign in"),
        ("AccessDeniedException", "eks:ListClusters: not allowed in us-west-2. Name the clusters with --cluster"),
        ("ThrottlingException", "throttled, 2 tries long. Wait a minute and run it again"),
    ],
)
def test_what_ends_an_audit_is_one_message(
    own_engine: Engine, auditor: Auditor, monkeypatch: pytest.MonkeyPatch, given: str, words: str
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    monkeypatch.setattr(own_engine.__class__, "environment", _with_attempts(own_engine.__class__.environment))
    let_fail(own_engine, fault("ListClusters", given))
    assert auditor.code(own_engine) == 2
    assert words in auditor.said.splitlines()[-1]
    assert "Traceback" not in auditor.said


def _with_attempts(original: Callable[..., dict[str, str]]) -> Callable[..., dict[str, str]]:
    return lambda *arguments: {**original(*arguments), "AWS_MAX_ATTEMPTS": "2"}


def test_a_region_without_clusters_and_a_cluster_that_is_not_there(own_engine: Engine, auditor: Auditor) -> None:
    assert auditor.code(own_engine, "--region", "eu-north-1") == 2
    assert "eu-north-1: the account has no EKS cluster there" in auditor.said
    assert auditor.code(own_engine, "--cluster", "nobody") == 2
    assert f"--cluster nobody: there is no such cluster in {REGION}" in auditor.said


@pytest.mark.usefixtures("assembly")
def test_a_cluster_that_is_deleted_meanwhile_is_left_out_and_named(own_engine: Engine, auditor: Auditor) -> None:
    let_fail(own_engine, fault("ListNodegroups", "ResourceNotFoundException"))
    assert auditor.code(own_engine) == 2
    assert "demo: was deleted while it was read; it is left out" in auditor.said
    assert "every cluster was deleted while it was read" in auditor.said


@pytest.mark.usefixtures("assembly")
def test_what_overdue_means(own_engine: Engine, auditor: Auditor) -> None:
    eks, ec2 = client(own_engine, "eks"), client(own_engine, "ec2")
    insight = eks.list_insights(clusterName=CLUSTER)["insights"][0]["id"]
    (group,) = eks.list_nodegroups(clusterName=CLUSTER)["nodegroups"]
    failing = {"status": "ERROR", "reason": "a client calls an API that goes away"}
    change_record(own_engine, "insight", CLUSTER, insight, insightStatus=failing)
    issue = {"code": "AsgInstanceLaunchFailures", "message": "no capacity", "resourceIds": []}
    change_record(own_engine, "nodegroup", CLUSTER, group, status="DEGRADED", health={"issues": [issue]})
    change_record(own_engine, "addon", CLUSTER, "coredns", status="DEGRADED")
    change_record(
        own_engine,
        "cluster",
        CLUSTER,
        health={"issues": [{"code": "Ec2SubnetNotFound", "message": "gone", "resourceIds": []}]},
    )
    image = ec2.describe_images()["Images"][0]["ImageId"]
    tags = [
        {"Key": "eks:eks-cluster-name", "Value": CLUSTER},
        {"Key": "eks:kubernetes-node-pool-name", "Value": "system"},
    ]
    ec2.run_instances(
        ImageId=image, MinCount=1, MaxCount=1, TagSpecifications=[{"ResourceType": "instance", "Tags": tags}]
    )
    later = (TODAY + timedelta(days=20)).isoformat()
    found = opened(auditor(own_engine, "--as-of", later))
    assert any("a client calls an API that goes away" in one for one in found["EKR129"])
    assert any("AsgInstanceLaunchFailures: no capacity" in one for one in found["EKR125"])
    assert any("coredns: is DEGRADED" in one for one in found["EKR126"])
    assert any("Ec2SubnetNotFound: gone" in one for one in found["EKR124"])
    assert any("of pool system runs for 20 of at most 21 days" in one for one in found["EKR140"])
    end = _support_ends(eks)
    found = opened(auditor(own_engine, "--as-of", (end - timedelta(days=62)).isoformat()))
    assert any(f"by EKS after {end}, in 62 days" in one for one in found["EKR132"])
    change_record(own_engine, "nodegroup", CLUSTER, group, status="ACTIVE", health={"issues": []})
    change_record(own_engine, "addon", CLUSTER, "coredns", status="ACTIVE")
    change_record(own_engine, "cluster", CLUSTER, health={"issues": []})


def test_the_comparison_of_the_tests_sees_changes_too(own_engine: Engine, assembly: Path) -> None:
    """The comparison by which test_environments.py finds every property of a template in the account."""
    deployment = Deployment(own_engine)
    stacks = stacks_of(assembly)
    eks, ec2, iam = (client(own_engine, name) for name in ("eks", "ec2", "iam"))
    made = {kind: one for stack, _ in stacks for kind, one in deployment.resources(stack).values()}
    role = iam.get_role(RoleName=made["AWS::IAM::Role"])["Role"]
    who = {
        "clusterName": CLUSTER,
        "principalArn": next(
            one for one in eks.list_access_entries(clusterName=CLUSTER)["accessEntries"] if "AdminRole" in one
        ),
        "policyArn": f"{_POLICIES}AmazonEKSViewPolicy",
    }

    def log_audit(enabled: bool) -> None:
        eks.update_cluster_config(name=CLUSTER, logging={"clusterLogging": [{"types": ["audit"], "enabled": enabled}]})
        eks.get_waiter("cluster_active").wait(name=CLUSTER, WaiterConfig={"Delay": 0.1})

    log_audit(False)
    ec2.create_tags(Resources=[made["AWS::EC2::VPC"]], Tags=[{"Key": "Name", "Value": "another"}])
    iam.update_assume_role_policy(RoleName=role["RoleName"], PolicyDocument=_TRUST)
    eks.associate_access_policy(**who, accessScope={"type": "cluster"})
    found = [one.split(": ")[0] for stack, template in stacks for one in differences(deployment, stack, template)]
    log_audit(True)
    iam.update_assume_role_policy(
        RoleName=role["RoleName"], PolicyDocument=json.dumps(role["AssumeRolePolicyDocument"])
    )
    eks.disassociate_access_policy(**who)
    assert len(found) == 4
    for part in ("Cluster.Logging", ".Tags[]/Value", ".AccessPolicies", "AssumeRolePolicyDocument"):
        assert any(part in one for one in found), (part, found)


def test_what_is_changed_behind_its_back_is_found_and_named(
    own_engine: Engine, assembly: Path, auditor: Auditor
) -> None:
    """The last one: it leaves the account in pieces."""
    before = opened(auditor(own_engine, "--assembly", str(assembly)))
    wanted = _change(own_engine)
    after = opened(auditor(own_engine, "--assembly", str(assembly)))
    new = {code: [one for one in lines if one not in before.get(code, [])] for code, lines in after.items()}
    missing = [
        (what, code, words, new.get(code))
        for what, code, words in wanted
        if not any(words in one for one in new.get(code, []))
    ]
    assert missing == []
    assert len(wanted) >= 15


def _change(engine: Engine) -> list[tuple[str, str, str]]:
    """Changes the account; returns what was done, and code and words of the finding that must name it."""
    eks, iam, logs, ec2, kms = (client(engine, name) for name in ("eks", "iam", "logs", "ec2", "kms"))
    wait = eks.get_waiter("cluster_active")
    (group,) = eks.list_nodegroups(clusterName=CLUSTER)["nodegroups"]
    nodes = eks.describe_nodegroup(clusterName=CLUSTER, nodegroupName=group)["nodegroup"]
    entries = eks.list_access_entries(clusterName=CLUSTER)["accessEntries"]
    viewer = next(arn for arn in entries if "ViewerRole" in arn)
    admin = next(arn for arn in entries if "AdminRole" in arn)
    cluster = eks.describe_cluster(name=CLUSTER)["cluster"]
    role = cluster["roleArn"].rsplit("/", 1)[-1]

    def configure(**change: Any) -> None:
        eks.update_cluster_config(name=CLUSTER, **change)
        wait.wait(name=CLUSTER, WaiterConfig={"Delay": 0.1})

    types = {"types": ["audit"], "enabled": False}
    configure(logging={"clusterLogging": [types]})
    configure(resourcesVpcConfig={"endpointPublicAccess": True, "publicAccessCidrs": ["0.0.0.0/0"]})
    configure(resourcesVpcConfig={"endpointPrivateAccess": False})
    support = {"STANDARD": "EXTENDED", "EXTENDED": "STANDARD"}[cluster["upgradePolicy"]["supportType"]]
    configure(upgradePolicy={"supportType": support})
    eks.update_addon(clusterName=CLUSTER, addonName="coredns", addonVersion=_older(eks, "coredns"))
    eks.update_addon(clusterName=CLUSTER, addonName="vpc-cni", podIdentityAssociations=[])
    eks.delete_addon(clusterName=CLUSTER, addonName="metrics-server")
    eks.delete_access_entry(clusterName=CLUSTER, principalArn=viewer)
    iam.create_role(RoleName="stranger", AssumeRolePolicyDocument=_TRUST)
    stranger = iam.get_role(RoleName="stranger")["Role"]["Arn"]
    eks.create_access_entry(clusterName=CLUSTER, principalArn=stranger)
    eks.disassociate_access_policy(
        clusterName=CLUSTER, principalArn=admin, policyArn=f"{_POLICIES}AmazonEKSClusterAdminPolicy"
    )
    eks.associate_access_policy(
        clusterName=CLUSTER,
        principalArn=admin,
        policyArn=f"{_POLICIES}AmazonEKSAdminPolicy",
        accessScope={"type": "cluster"},
    )
    eks.update_nodegroup_config(clusterName=CLUSTER, nodegroupName=group, nodeRepairConfig={"enabled": False})
    _settled(eks, group)
    eks.update_nodegroup_config(
        clusterName=CLUSTER, nodegroupName=group,
        scalingConfig={**nodes["scalingConfig"], "maxSize": nodes["scalingConfig"]["maxSize"] + 4},
        labels={"addOrUpdateLabels": {"changed": "by-hand", **dict.fromkeys(nodes["labels"], "else")}},
    )  # fmt: skip
    _settled(eks, group)
    # With a policy of its own, which may grant the same, the answer would be unknown.
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=role, PolicyArn=attached["PolicyArn"])
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName=name)
    node_role = nodes["nodeRole"].rsplit("/", 1)[-1]
    iam.put_role_policy(RoleName=node_role, PolicyName="everything", PolicyDocument=_EVERYTHING)
    logs.delete_retention_policy(logGroupName=f"/aws/eks/{CLUSTER}/cluster")
    ec2.modify_subnet_attribute(SubnetId=_public_subnet(ec2, cluster), MapPublicIpOnLaunch={"Value": True})
    made = cluster["resourcesVpcConfig"]["clusterSecurityGroupId"]
    ec2.authorize_security_group_ingress(GroupId=made, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0")
    key = cluster["encryptionConfig"][0]["provider"]["keyArn"]
    kms.disable_key_rotation(KeyId=key)
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    return [
        ("a log type off", "EKR004", "does not log audit"),
        ("a log type off, by drift", "EKR150", "Logging.ClusterLogging.EnabledTypes"),
        ("the endpoint open", "EKR001", "is open to 0.0.0.0/0"),
        ("the private endpoint off", "EKR002", "has no private endpoint"),
        ("the upgrade policy", "EKR150", "UpgradePolicy.SupportType is"),
        ("an add-on downgraded", "EKR137", "add-on coredns"),
        ("a Pod Identity association deleted", "EKR150", "PodIdentityAssociations is"),
        ("an add-on deleted", "EKR150", "metrics-server: does not exist any more"),
        ("an access entry deleted", "EKR150", f"{viewer}: does not exist any more"),
        ("an access entry made", "EKR150", "role/stranger: is in no template"),
        ("another access policy", "EKR022", "has AmazonEKSAdminPolicy for the whole cluster"),
        ("another access policy, by drift", "EKR150", "AccessPolicies"),
        ("node repair off", "EKR048", group),
        ("scaled", "EKR150", "ScalingConfig.MaxSize is"),
        ("a cluster role's policies taken away", "EKR054", "AmazonEKSComputePolicy"),
        ("everything allowed", "EKR023", node_role),
        ("retention dropped", "EKR006", "keeps its logs forever"),
        ("public addresses given out", "EKR079", "public addresses"),
        ("SSH open", "EKR075", "opens port 22 to 0.0.0.0/0"),
        ("the key's deletion scheduled", "EKR148", "uses a key that is PendingDeletion"),
    ]


_TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
_EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
_POLICIES = "arn:aws:eks::aws:cluster-access-policy/"


def _support_ends(eks: Any) -> date:
    """The day from which on EKS upgrades the cluster by itself."""
    cluster = eks.describe_cluster(name=CLUSTER)["cluster"]
    (version,) = eks.describe_cluster_versions(clusterVersions=[cluster["version"]])["clusterVersions"]
    kind = cluster["upgradePolicy"]["supportType"].capitalize()
    return version[f"endOf{kind}SupportDate"].astimezone(UTC).date()  # type: ignore[no-any-return]


def _older(eks: Any, addon: str) -> str:
    version = eks.describe_cluster(name=CLUSTER)["cluster"]["version"]
    (offered,) = eks.describe_addon_versions(addonName=addon, kubernetesVersion=version)["addons"]
    return str(offered["addonVersions"][-1]["addonVersion"])


def _settled(eks: Any, group: str) -> None:
    waiter = eks.get_waiter("nodegroup_active")
    waiter.wait(clusterName=CLUSTER, nodegroupName=group, WaiterConfig={"Delay": 0.1})


def _public_subnet(ec2: Any, cluster: dict[str, Any]) -> str:
    filters = [{"Name": "vpc-id", "Values": [cluster["resourcesVpcConfig"]["vpcId"]]}]
    subnets = ec2.describe_subnets(Filters=filters)["Subnets"]
    used = cluster["resourcesVpcConfig"]["subnetIds"]
    return next(str(one["SubnetId"]) for one in subnets if one["SubnetId"] not in used)
