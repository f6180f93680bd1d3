"""The playbook of a cluster that runs, over HTTP: from its environment's assembly, and from the account alone."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.process import Engine
from emulator.status import client
from tests.emulator.auditor import Auditor
from tests.emulator.deployment import Deployment
from tests.emulator.scenario import change_record, fault, let_fail
from tests.support.environments import environment_data

pytestmark = pytest.mark.xdist_group("emulator")


@pytest.fixture(scope="module")
def assembly(deployment: Deployment, assemble: Callable[..., Path]) -> Iterator[Path]:
    """The managed-nodes environment on Kubernetes 1.35, deployed."""
    data = environment_data("managed-nodes")
    data["clusters"][0]["control_plane"]["kubernetes_version"] = "1.35"
    made = assemble(data)
    deployment.deploy(made)
    yield made
    deployment.destroy_all(made)


Upgrade = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def upgrade(engine: Engine, auditor: Auditor) -> Iterator[Upgrade]:
    """Returns a function that plans an upgrade: exit code, the document and what went to stderr."""

    def run(*options: str) -> tuple[int, dict[str, Any], str]:
        code = auditor.code(engine, "--to", "1.36", "--format", "json", *options, command="upgrade")
        return code, json.loads(auditor.printed) if auditor.printed.strip() else {}, auditor.said

    yield run
    let_fail(engine)


def asked(document: dict[str, Any], verdict: str) -> dict[str, str]:
    return {gate["api"]: gate["detail"] for gate in document["clusters"][0]["gates"] if gate["verdict"] == verdict}


def test_the_account_answers_the_questions_of_the_templates(upgrade: Upgrade, assembly: Path) -> None:
    _, before, _ = upgrade("--assembly", str(assembly))
    code, after, _ = upgrade("--assembly", str(assembly), "--live")
    assert code == 0
    answered = {"eks:ListInsights", "eks:DescribeCluster", "ec2:DescribeSubnets", "eks:DescribeAddonVersions"}
    assert answered <= set(asked(before, "ask"))
    assert {api for api in asked(after, "ask") if ":" in api} <= {"ec2:DescribeImages"}
    assert answered <= set(asked(after, "clear"))
    (change,) = [step["changes"] for step in after["clusters"][0]["steps"] if step["id"] == "control_plane"]
    assert "environments/managed-nodes.yaml" in change[0]["where"], "the steps still name the file to edit"


@pytest.mark.usefixtures("assembly")
def test_what_is_in_the_way_is_found(engine: Engine, upgrade: Upgrade) -> None:
    eks = client(engine, "eks")
    insight = eks.list_insights(clusterName="managed-nodes")["insights"][0]
    failing = {"status": "ERROR", "reason": "a client calls an API that goes away"}
    change_record(engine, "insight", "managed-nodes", insight["id"], insightStatus=failing)
    code, document, _ = upgrade("--cluster", "managed-nodes", "--region", "us-west-2")
    assert code == 1
    assert "a client calls an API that goes away" in asked(document, "blocker")["eks:ListInsights"]
    assert document["source"].startswith("account 123456789012")
    change_record(engine, "insight", "managed-nodes", insight["id"], insightStatus=insight["insightStatus"])


def test_what_may_not_be_asked_stays_a_question(engine: Engine, upgrade: Upgrade, assembly: Path) -> None:
    let_fail(engine, fault("ListInsights", "AccessDeniedException"))
    code, document, complaint = upgrade("--assembly", str(assembly), "--live")
    assert code == 0
    assert "eks:ListInsights" in asked(document, "ask")
    assert "eks:ListInsights" in complaint


def test_a_cluster_that_is_not_there_is_one_line(upgrade: Upgrade) -> None:
    code, _, complaint = upgrade("--cluster", "nothing")
    assert code == 2
    assert complaint.count("\n") == 1
    assert "there is no such cluster" in complaint


def test_a_change_behind_the_templates_is_named(engine: Engine, upgrade: Upgrade, assembly: Path) -> None:
    """The last one: the cluster stays changed."""
    client(engine, "eks").update_cluster_version(name="managed-nodes", version="1.36")
    code, document, complaint = upgrade("--cluster", "managed-nodes")
    assert (code, document) == (2, {})
    assert "has Kubernetes 1.36 already" in complaint
    code, document, _ = upgrade("--assembly", str(assembly), "--live")
    assert code == 1
    assert "the templates say 1.35" in asked(document, "blocker")["eks:DescribeCluster"]
