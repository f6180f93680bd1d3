"""Every blocker is found where it is, and not where it is not."""

import base64
from pathlib import Path
from typing import Any

import pytest

from eks_facts.versions import KubernetesVersion, kubernetes_versions
from responsibility.upgrade.playbook import Gate
from tests.responsibility.upgrade.upgrade_case import Resources, cluster, group, of, own_nodes, subnet, upgraded

SSM = "{{{{resolve:ssm:/aws/service/eks/optimized-ami/{}/amazon-linux-2023/x86_64/standard/recommended/image_id}}}}"


def launched_with(image: str) -> Resources:
    return {
        "Template": {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": {"ImageId": image}}},
        "Group": group(AmiType=None, Version=None, LaunchTemplate={"Id": {"Ref": "Template"}, "Version": "1"}),
    }


BUDGET = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: web, namespace: web}}
spec: {{maxUnavailable: {}, selector: {{matchLabels: {{app: web}}}}}}
"""
DEPLOYMENT = """
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: web}}
spec:
  replicas: 2
  template: {{metadata: {{labels: {{app: web}}}}, spec: {{containers: [{{name: a, image: b}}], volumes: [{}]}}}}
"""
SERVICE = "{{apiVersion: v1, kind: Service, metadata: {{name: web}}, spec: {{loadBalancerSourceRanges: ['{}']}}}}"
CLASS = "{{apiVersion: storage.k8s.io/{}, kind: VolumeAttributesClass, metadata: {{name: fast}}, driverName: ebs.csi.aws.com}}"
Case = tuple[str, str, Resources, str, Resources, str]
CASES: dict[str, Case] = {
    # name: topic, target, bad template, bad manifests, good template, good manifests
    "group behind": ("version-skew", "1.37", {"Group": group(Version="1.35")}, "", {"Group": group()}, ""),
    "group ahead": ("version-skew", "1.37", {"Group": group(Version="1.37")}, "", {"Group": group()}, ""),
    "own nodes too old": ("version-skew", "1.37", own_nodes(SSM.format("1.33")), "", own_nodes(SSM.format("1.34")), ""),
    "removed API": ("removed-api", "1.37", {}, CLASS.format("v1beta1"), {}, CLASS.format("v1")),
    "API gone long ago": (
        "removed-api",
        "1.37",
        {},
        "{apiVersion: batch/v1beta1, kind: CronJob, metadata: {name: a}}",
        {},
        "{apiVersion: batch/v1, kind: CronJob, metadata: {name: a}}",
    ),
    "budget": (
        "disruption-budget",
        "1.37",
        {"Group": group()},
        BUDGET.format(0) + DEPLOYMENT.format(""),
        {"Group": group()},
        BUDGET.format(1) + DEPLOYMENT.format(""),
    ),
    "addresses": (
        "addresses",
        "1.37",
        {"A": subnet("10.0.0.0/28", "eu-west-1a"), "Group": group()},
        "",
        {"Group": group()},
        "",
    ),
    "AL2": (
        "ami-family",
        "1.33",
        {"Cluster": cluster("1.32"), "Group": group(Version="1.32", AmiType="AL2_x86_64")},
        "",
        {"Cluster": cluster("1.32"), "Group": group(Version="1.32", AmiType="BOTTLEROCKET_x86_64")},
        "",
    ),
    "release pinned": (
        "ami-pin",
        "1.37",
        {"Group": group(ReleaseVersion="1.36.1-20260801")},
        "",
        {"Group": group()},
        "",
    ),
    "image pinned": (
        "ami-pin",
        "1.37",
        own_nodes(SSM.format("1.36").replace("recommended", "v1")),
        "",
        {"Group": group()},
        "",
    ),
    "gitRepo by default": (
        "git-repo-default",
        "1.33",
        {"Cluster": cluster("1.32")},
        DEPLOYMENT.format("{name: g, gitRepo: {repository: x}}"),
        {"Cluster": cluster("1.32")},
        DEPLOYMENT.format("{name: g, emptyDir: {}}"),
    ),
    "gitRepo": (
        "git-repo",
        "1.36",
        {"Cluster": cluster("1.35")},
        DEPLOYMENT.format("{name: g, gitRepo: {repository: x}}"),
        {"Cluster": cluster("1.35")},
        DEPLOYMENT.format("{name: g, emptyDir: {}}"),
    ),
    "host bits": (
        "strict-addresses",
        "1.36",
        {"Cluster": cluster("1.35")},
        SERVICE.format("192.168.0.5/24"),
        {"Cluster": cluster("1.35")},
        SERVICE.format("192.168.0.0/24"),
    ),
    "leading zeros": (
        "strict-addresses",
        "1.36",
        {"Cluster": cluster("1.35")},
        SERVICE.format("010.0.0.0/8"),
        {"Cluster": cluster("1.35")},
        SERVICE.format("10.0.0.0/8"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_blocker_is_found_where_it_stands(name: str, tmp_path: Path) -> None:
    topic, target, resources, manifests, _, _ = CASES[name]
    book = upgraded(tmp_path, resources, manifests, target)
    blockers = of(book, topic, "blocker")
    assert blockers
    assert all(gate.evidence and gate.fix and gate.source.startswith("https://") for gate in blockers)
    assert book.gates[0].verdict == "blocker", "blockers come first"


@pytest.mark.parametrize("name", CASES)
def test_good_is_no_blocker_and_is_not_passed_by_silence(name: str, tmp_path: Path) -> None:
    topic, target, _, _, resources, manifests = CASES[name]
    book = upgraded(tmp_path, resources, manifests, target)
    assert not book.having("blocker")
    assert of(book, topic, "clear")


def test_a_pin_of_the_new_version_blocks_nothing(tmp_path: Path) -> None:
    assert of(upgraded(tmp_path, {"Group": group(ReleaseVersion="1.37.0-20261101")}), "ami-pin", "clear")


def test_what_an_image_holds_is_asked(tmp_path: Path) -> None:
    book = upgraded(tmp_path, launched_with("ami-0123456789abcdef0"))
    assert of(book, "ami-pin", "ask")
    assert of(book, "ami-family", "ask")
    assert of(book, "version-skew", "ask")[0].api == "eks:DescribeNodegroup"


def test_a_forced_update_is_a_warning(tmp_path: Path) -> None:
    assert of(upgraded(tmp_path, {"Group": group(ForceUpdateEnabled=True)}), "forced-update", "warning")


def test_a_single_replica_is_a_warning(tmp_path: Path) -> None:
    one = DEPLOYMENT.format("").replace("replicas: 2", "replicas: 1")
    assert [gate.check for gate in of(upgraded(tmp_path, {}, one), "single-replica", "warning")] == ["EKR080"]


def test_deprecated_apis_are_warnings(tmp_path: Path) -> None:
    endpoints = "{apiVersion: v1, kind: Endpoints, metadata: {name: a}}"
    assert of(upgraded(tmp_path, {}, endpoints), "deprecated-api", "warning")


def test_an_api_that_goes_later_is_a_warning(tmp_path: Path) -> None:
    book = upgraded(tmp_path, {"Cluster": cluster("1.35")}, CLASS.format("v1beta1"), "1.36")
    assert of(book, "deprecated-api", "warning")
    assert not book.having("blocker")


def test_an_api_version_that_is_filled_in_later_is_asked(tmp_path: Path) -> None:
    assert of(
        upgraded(tmp_path, {}, "{apiVersion: '${API}', kind: CronJob, metadata: {name: a}}"), "removed-api", "ask"
    )


def test_no_manifests_means_that_nothing_is_known_of_apis(tmp_path: Path) -> None:
    book = upgraded(tmp_path, {"Group": group()})
    assert of(book, "removed-api", "ask")
    assert not of(book, "removed-api", "clear")


def test_a_rollback_out_of_standard_support_is_told(tmp_path: Path) -> None:
    old = cluster("1.34", UpgradePolicy={"SupportType": "STANDARD"})  # its standard support ends on 2026-12-02
    book = upgraded(tmp_path, {"Cluster": old}, target="1.35")
    assert not of(book, "rollback"), "eight days are left"
    older = cluster("1.33", UpgradePolicy={"SupportType": "STANDARD"})
    told = of(upgraded(tmp_path, {"Cluster": older}, target="1.34"), "rollback", "warning")
    assert "needs the upgrade policy EXTENDED" in told[0].fix


def addon(name: str, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::EKS::Addon", "Properties": {"AddonName": name, "ClusterName": {"Ref": "Cluster"}, **more}}


def test_add_on_versions_are_asked(tmp_path: Path) -> None:
    book = upgraded(tmp_path, {"Cni": addon("vpc-cni", AddonVersion="v1.20.4-eksbuild.2"), "Dns": addon("coredns")})
    gate = of(book, "add-on-version", "ask")[0]
    assert gate.api == "eks:DescribeAddonVersions"
    assert "pinned: vpc-cni v1.20.4-eksbuild.2" in gate.detail
    assert "stay as they are: coredns" in gate.detail


@pytest.mark.parametrize(
    ("before", "target", "topic", "bad", "good"),
    [
        (
            "1.31",
            "1.32",
            "enforce-mountable-secrets",
            "{apiVersion: v1, kind: ServiceAccount, metadata: {name: a, annotations: {kubernetes.io/enforce-mountable-secrets: 'true'}}}",
            "{apiVersion: v1, kind: ServiceAccount, metadata: {name: a}}",
        ),
        ("1.33", "1.34", "volume-attributes-class", CLASS.format("v1beta1"), CLASS.format("v1")),
    ],
)
def test_what_a_version_deprecates_is_a_warning(
    tmp_path: Path, before: str, target: str, topic: str, bad: str, good: str
) -> None:
    for name, manifests in {"bad": bad, "good": good}.items():
        folder = tmp_path / name
        folder.mkdir()
        book = upgraded(folder, {"Cluster": cluster(before)}, manifests, target)
        assert bool(of(book, topic, "warning")) == (name == "bad")


def test_a_flag_of_the_kubelet_is_found_in_user_data(tmp_path: Path) -> None:
    flag = base64.b64encode(b"/etc/eks/bootstrap.sh demo --kubelet-extra-args --cgroup-driver=systemd").decode()
    template = {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": {"UserData": flag}}}
    nodes = group(Version="1.33", LaunchTemplate={"Id": {"Ref": "Template"}, "Version": "1"})
    book = upgraded(tmp_path, {"Cluster": cluster("1.33"), "Template": template, "Group": nodes}, target="1.34")
    assert of(book, "cgroup-driver", "warning")


def test_ipvs_is_found(tmp_path: Path) -> None:
    old = cluster("1.34")
    proxy = addon("kube-proxy", ConfigurationValues='{"mode": "ipvs"}')
    book = upgraded(tmp_path, {"Cluster": old, "Group": group(Version="1.34"), "Proxy": proxy}, target="1.35")
    assert of(book, "ipvs", "warning")


def test_the_account_is_always_asked(tmp_path: Path) -> None:
    asked = {gate.api for gate in upgraded(tmp_path, {"Group": group()}).having("ask")}
    assert {"eks:ListInsights", "eks:DescribeCluster", "ec2:DescribeSubnets", "kubectl get nodes"} <= asked
    assert "eks:DescribeClusterVersions" not in asked, "the catalog has the dates of 1.37"


def test_the_account_is_asked_about_a_version_whose_dates_are_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undated = {**kubernetes_versions(), "1.37": KubernetesVersion()}
    monkeypatch.setattr("responsibility.upgrade.account.kubernetes_versions", lambda: undated)
    asked = {gate.api for gate in upgraded(tmp_path, {"Group": group()}).having("ask")}
    assert "eks:DescribeClusterVersions" in asked


def test_an_answer_takes_the_place_of_the_question(tmp_path: Path) -> None:
    from responsibility.reading import sources
    from responsibility.review.build import facts_of
    from responsibility.upgrade.command import Request, of_facts
    from tests.responsibility.upgrade.upgrade_case import AS_OF, write

    found = Gate(
        topic="insights", verdict="blocker", subject="cluster shop", detail="an insight fails", source="https://x/"
    )
    answers = {"shop": {"eks:ListInsights": [found], "eks:DescribeCluster": []}}
    request = Request("1.37", write(tmp_path, {}), AS_OF)
    facts = facts_of(sources.read(request.assembly), AS_OF)
    book = of_facts(facts, request, answers, request.assembly).clusters[0]
    assert found in book.having("blocker")
    assert not {"eks:ListInsights", "eks:DescribeCluster"} & {gate.api for gate in book.having("ask")}
