"""The audit of accounts of other kinds: one that allows no more than the documented policy, one with more clusters than a page."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emulator.process import Engine
from emulator.status import client
from responsibility.account.permissions import policy
from tests.emulator.auditor import Auditor
from tests.emulator.clusters import clusters
from tests.emulator.deployment import Deployment
from tests.emulator.scenario import fault, let_fail, list_in_pages

pytestmark = pytest.mark.xdist_group("emulator-process")


def user(engine: Engine, name: str, allowed: dict[str, Any]) -> Engine:
    """The engine, seen by a user with one policy."""
    iam = client(engine, "iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="audit", PolicyDocument=json.dumps(allowed))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return replace(engine, user_key=(key["AccessKeyId"], key["SecretAccessKey"]))


def test_the_documented_policy_is_enough_and_each_part_is_needed(
    strict_engine: Engine, auditor: Auditor, assemble: Callable[..., Path]
) -> None:
    strict, assembly = strict_engine, assemble("demo")
    Deployment(strict).deploy(assembly)
    everything = auditor(strict, "--assembly", str(assembly))
    documented = auditor(user(strict, "documented", policy("audit")), "--assembly", str(assembly))
    assert "not allowed" not in auditor.said
    assert documented.findings == everything.findings

    less = policy("audit")
    for statement in less["Statement"]:
        statement["Action"] = [one for one in statement["Action"] if one not in ("eks:ListAddons", "iam:GetRole")]
    lacking = auditor(user(strict, "lacking", less))
    assert "eks:ListAddons in us-west-2: not allowed" in auditor.said
    assert "iam:GetRole in us-west-2: not allowed" in auditor.said
    met = {(one.code, one.subject) for one in documented.findings if one.status == "met"}
    assert {(one.code, one.subject) for one in lacking.findings if one.status == "met"} < met
    details = [one.detail for one in lacking.findings if one.status == "unknown"]
    assert any("eks:ListAddons: not allowed" in one for one in details)
    assert any("iam:GetRole: not allowed" in one for one in details)

    nobody = user(strict, "nobody", policy("lock-addons"))
    assert auditor.code(nobody) == 2
    assert "eks:ListClusters: not allowed in us-west-2" in auditor.said


def test_an_account_with_more_clusters_than_a_page_is_read_whole(engine: Engine, auditor: Auditor) -> None:
    names = [f"many-{number}" for number in range(5)]
    with clusters(engine, *names):
        list_in_pages(engine, 2)
        document = auditor(engine)
        list_in_pages(engine)
    found = [one.name for one in document.clusters]
    assert set(names) <= set(found)
    assert len(found) == len(set(found))
    assert "reading" not in auditor.said, "progress is for a terminal alone"
    subjects = {one.subject for one in document.findings if one.code == "EKR001"}
    assert {f"cluster {name}" for name in names} <= subjects


def test_throttling_that_ends_is_outlasted(engine: Engine, auditor: Auditor) -> None:
    """Of a small cluster: after a refusal boto3 asks slowly."""
    with clusters(engine, "busy"):
        let_fail(engine, fault("DescribeCluster", "ThrottlingException", times=1))
        document = auditor(engine, "--cluster", "busy")
        let_fail(engine)
    assert [one.name for one in document.clusters] == ["busy"]
