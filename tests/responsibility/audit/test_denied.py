"""A missing permission never makes a duty met: what is open in an account is open or unknown without any one of the calls."""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from responsibility.account.permissions import CALLS
from responsibility.audit.read import read
from responsibility.checks import all_checks
from responsibility.checks.run import run
from responsibility.findings import Finding
from responsibility.reading import reader
from responsibility.reading.sources import Sources
from responsibility.reading.template import Template
from tests.responsibility.audit.fake_account import FakeAccount, audited

FIXTURES = Path(__file__).parents[1] / "checks" / "fixtures"
CHECKS = {check.info.code: check for check in all_checks("account")}
AS_OF = date(2026, 11, 24)
LIVE = [code for code, check in CHECKS.items() if check.info.only == "account"]
DENIED = {"error": "AccessDeniedException"}
WITHOUT_A_LIST = {"eks:ListClusters"}
"""Without it nobody knows what to ask about: an error of its own."""


def found(changes: dict[str, Any], codes: list[str], template: Any = None) -> list[Finding]:
    return run([CHECKS[code] for code in codes], audited({"account": changes, "template": template}, AS_OF))


@pytest.mark.parametrize("code", LIVE)
def test_an_open_duty_is_never_met_for_lack_of_a_permission(code: str) -> None:
    data = yaml.safe_load((FIXTURES / code / "bad.yaml").read_text())
    for action in CALLS["audit"].keys() - WITHOUT_A_LIST:
        statuses = {one.status for one in found({**data["account"], action: DENIED}, [code], data.get("template"))}
        assert statuses & {"open", "unknown"}, f"{action}: {statuses}"


NODES_ALONE = {
    "eks:DescribeCluster": {
        "cluster": {
            "computeConfig": {"enabled": False, "nodePools": []},
            "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": False}},
            "storageConfig": {"blockStorage": {"enabled": False}},
            "encryptionConfig": [],
        }
    },
    "eks:ListFargateProfiles": {"fargateProfileNames": []},
    "eks:ListAddons": {"addons": ["vpc-cni", "kube-proxy", "coredns", "eks-pod-identity-agent"]},
    "eks:DescribeAddon": {
        "by": "addonName",
        "answers": {
            name: {"addon": {"addonName": name, "addonVersion": "v1.21.0-eksbuild.2", "status": "ACTIVE"}}
            for name in ("vpc-cni", "kube-proxy", "coredns", "eks-pod-identity-agent")
        },
    },
}


ACCOUNTS: dict[str, dict[str, Any]] = {"mixed": {}, "nodes": NODES_ALONE}


@cache
def with_every_permission(name: str) -> dict[tuple[str, str], Finding]:
    return {(one.code, one.subject): one for one in found(ACCOUNTS[name], list(CHECKS))}


@pytest.mark.parametrize("name", ACCOUNTS)
@pytest.mark.parametrize("action", sorted(CALLS["audit"].keys() - WITHOUT_A_LIST))
def test_what_a_call_would_have_told_is_unknown_and_names_it(action: str, name: str) -> None:
    account, before = ACCOUNTS[name], with_every_permission(name)
    after = found({**account, action: DENIED}, list(CHECKS))
    for one in after:
        if one.status == "met":
            assert (one.code, one.subject) in before, f"{one.code} {one.subject} is met for lack of {action}"
            assert before[one.code, one.subject].status == "met", (
                f"{one.code} {one.subject} is met for lack of {action}"
            )
        if one.status == "open":
            assert (one.code, one.subject) in before, (
                f"{one.code} {one.subject} is open for lack of {action}: {one.detail}"
            )
            assert before[one.code, one.subject].status == "open", f"{one.code} {one.subject}: {one.detail}"
    lost = {key for key, one in before.items() if one.status == "met"} - {
        (one.code, one.subject) for one in after if one.status == "met"
    }
    unknown = [one for one in after if one.status == "unknown"]
    if lost:
        assert any(action in one.detail or any(at.api == action for at in one.evidence) for one in unknown), lost


@pytest.mark.parametrize("action", sorted(CALLS["audit"].keys() - WITHOUT_A_LIST))
def test_nothing_differs_from_its_template_for_lack_of_a_permission(action: str) -> None:
    data = yaml.safe_load((FIXTURES / "EKR150" / "good.yaml").read_text())
    statuses = {one.status for one in found({**data["account"], action: DENIED}, ["EKR150"], data["template"])}
    assert "open" not in statuses


def test_every_call_of_the_policy_is_made() -> None:
    account = FakeAccount(
        {
            "eks:DescribeCluster": {
                "cluster": {"remoteNetworkConfig": {"remoteNodeNetworks": [{"cidrs": ["10.80.0.0/16"]}]}}
            },
            "eks:DescribeNodegroup": {"nodegroup": {"amiType": "WINDOWS_CORE_2022_x86_64"}},
            "iam:ListRolePolicies": {"PolicyNames": ["own"]},
            "iam:GetRolePolicy": {"RoleName": "r", "PolicyName": "own", "PolicyDocument": '{"Statement": []}'},
            "iam:GetUser": {"error": "NoSuchEntity"},
            "eks:ListAccessEntries": {"accessEntries": ["arn:aws:iam::123456789012:user/gone"]},
            "eks:DescribeAccessEntry": {"accessEntry": {"principalArn": "arn:aws:iam::123456789012:user/gone"}},
            "eks:ListInsights": {"insights": [{"id": "i", "insightStatus": {"status": "ERROR"}}]},
            "cloudformation:ListStackResources": {"StackResourceSummaries": []},
            "eks:DescribeInsight": {"insight": {"id": "i", "insightStatus": {"status": "ERROR"}}},
        }
    )
    data = yaml.safe_load((FIXTURES / "EKR150" / "good.yaml").read_text())
    templates = reader.read(Sources("stack", [Template("stack", "", data["template"], "", region="eu-west-1")]), AS_OF)
    read(account, say=lambda _: None, templates=templates)  # type: ignore[arg-type]
    assert account.asked == CALLS["audit"].keys()


def test_a_healthy_account_has_nothing_open_of_what_an_account_alone_tells() -> None:
    findings = found({}, LIVE)
    assert {one.code: one.status for one in findings if one.status in ("open", "unknown")} == {}
    assert {one.code for one in findings if one.status == "met"} == set(LIVE) - {"EKR150"}  # which needs templates
