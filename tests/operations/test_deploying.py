"""`make deploy`: one call of the CDK, new clusters and old ones; what would delete Kubernetes objects is refused."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from operations.__main__ import main
from operations.deploying import deploy
from operations.environment import context, only, stacks_in_templates
from responsibility.account.errors import AccountError
from safe_io.errors import BadInput
from tests.operations.fake_account import DENIED, FakeAccount, stack
from tests.support.environments import minimal, validated

COMMAND = ["cdk", "deploy", "--all", "-c", "env=t", "--require-approval", "never"]
FOUNDATION = stack("t-foundation")


class Deploy:
    """A deploy whose CDK does nothing, and what was seen of it."""

    def __init__(self, *codes: int) -> None:
        self.codes = [*codes, 0, 0, 0]
        self.ran: list[list[str]] = []
        self.answer = ""
        self.said: list[str] = []

    def __call__(self, data: dict[str, Any], answers: dict[str, Any], *more: str) -> int:
        account = FakeAccount(answers)
        return deploy(
            validated(data),
            lambda: account,
            [*COMMAND, *more],
            run=self._run,
            ask=lambda _: self.answer,
            say=self.said.append,
        )

    def _run(self, command: Sequence[str]) -> int:
        self.ran.append(list(command))
        return self.codes.pop(0)


@pytest.mark.parametrize(
    "there",
    [
        [],
        [FOUNDATION],
        *([stack("t-control-plane-c", status)] for status in ("ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS")),
    ],
)
def test_a_new_cluster_needs_no_step_of_its_own(there: list[dict[str, Any]]) -> None:
    run = Deploy()
    assert run(minimal(), {"describe_stacks": there}) == 0
    assert [command[: len(COMMAND)] for command in run.ran] == [COMMAND]
    assert run.said == []
    assert Deploy(1)(minimal(), {"describe_stacks": there}) == 1


def test_an_account_that_cannot_be_asked_is_said_in_a_line() -> None:
    run = Deploy()
    assert run(minimal(), {"describe_stacks": DENIED}) == 0
    assert len(run.said) == len(run.ran) == 1
    assert "not allowed. It is deployed as the file says." in run.said[0]


def test_without_credentials_the_cdk_is_not_called() -> None:
    run = Deploy()
    with pytest.raises(BadInput, match=r"no credentials. Sign in. Nothing was changed."):
        run(minimal(), {"describe_stacks": AccountError("cloudformation:DescribeStacks: no credentials. Sign in")})
    assert run.ran == []


def test_one_cluster_of_several_has_the_names_of_its_stacks() -> None:
    data = minimal()
    data["clusters"].append({**data["clusters"][0], "name": "b-c"})
    environment = validated(data)
    one = only(environment, "c")
    assert [cluster.name for cluster in one.clusters] == ["c"]
    assert stacks_in_templates(one) == ["t-protection-c", "t-compute-c", "t-access-c", "t-control-plane-c"]
    with pytest.raises(
        BadInput, match=r"CLUSTER=bc: there is no such cluster in t\. Did you mean b-c. There is: c, b-c"
    ):
        only(environment, "bc")


def befores(run: Deploy) -> list[str | None]:
    return [context(command).get("before_pools") for command in run.ran]


def test_add_ons_wait_for_the_node_pools_that_make_apply_makes() -> None:
    own = {"node_classes": [{"name": "own"}], "node_pools": [{"name": "own", "node_class": "own"}]}
    data = minimal({"auto_mode": {"built_in_node_pools": [], **own}}, addons={"metrics-server": {"enabled": True}})
    run = Deploy()
    assert run(data, {}) == 0
    assert befores(run) == ["c"]
    assert any("make apply ENV=t" in line for line in run.said)
    failed = Deploy()
    left = [stack("t-control-plane-c"), stack("t-protection-c", "ROLLBACK_COMPLETE")]
    assert failed(data, {"describe_stacks": left}) == 0
    assert befores(failed) == ["c"]
    again = Deploy()
    assert again(data, {"describe_stacks": [left[0], stack("t-protection-c", protected=True)]}) == 0
    assert befores(again) == [None]
    known = Deploy()
    assert known(data, {}, "-c", "before_pools=") == 0
    assert befores(known) == [""], "who says it himself is believed"


def test_a_stack_that_the_file_has_nothing_for_is_named() -> None:
    data = minimal({"auto_mode": {}}, addons={"metrics-server": {"enabled": False}})
    there = {"describe_stacks": [stack("t-compute-c"), stack("t-protection-c", protected=True)]}
    there["describe_stacks"] += [stack("t-workloads-c"), stack("t-control-plane-gone")]
    there["get_template t-workloads-c"] = {"Resources": {}}
    run = Deploy()
    assert run(data, there) == 0
    for name in ("t-workloads-c", "t-control-plane-gone"):
        assert any(f"aws cloudformation delete-stack --stack-name {name}" in line for line in run.said)
    assert any("aws cloudformation delete-stack --stack-name t-compute-c" in line for line in run.said)
    used = Deploy()
    assert used(minimal(), there) == 0
    assert not any("delete-stack --stack-name t-compute-c" in line for line in used.said)


LOOK = ["cdk", "diff", "-c", "env=t"]


def test_the_question_comes_once_and_before_stacks_are_deployed_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "COMMAND", ["cdk", "deploy", "--all", "-c", "env=t"])
    there = {"describe_stacks": [stack("t-control-plane-c", protected=True)]}
    at_once = ["--require-approval", "never", "--concurrency", "4"]
    wider = Deploy(1)
    wider.answer = "y"
    assert wider(minimal(), there) == 0
    assert [wider.ran[0][:4], wider.ran[1][-4:]] == [LOOK, at_once]
    assert "--security-only" in wider.ran[0]
    refused = Deploy(1)
    with pytest.raises(BadInput, match=r'not approved. Without a question: CDK_FLAGS="--require-approval never"'):
        refused(minimal(), there)
    assert len(refused.ran) == 1
    same = Deploy()
    assert same(minimal(), there) == 0
    assert same.ran[1][-4:] == at_once, "nothing is asked where no permission gets wider"


@pytest.mark.parametrize(
    ("said", "added"),
    [
        (["--require-approval", "any-change"], []),
        (["--require-approval=broadening"], []),
        (["--require-approval=never"], ["--concurrency", "4"]),
        (["-y"], ["--concurrency", "4"]),
        (["--require-approval", "never", "--concurrency", "1"], []),
        (["--require-approval", "never", "--concurrency=2"], []),
    ],
)
def test_what_the_person_says_of_questions_and_stacks_at_once_holds(
    said: list[str], added: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["cdk", "deploy", "--all", "-c", "env=t", *said]
    monkeypatch.setitem(globals(), "COMMAND", command)
    run = Deploy()
    assert run(minimal(), {"describe_stacks": [stack("t-control-plane-c", protected=True)]}) == 0
    assert run.ran == [[*command, *added]]


def applies(policy: str, kind: str = "Custom::AWSCDK-EKS-KubernetesResource") -> dict[str, Any]:
    return {"Resources": {"Web": {"Type": kind, "DeletionPolicy": policy}}}


@pytest.mark.parametrize("kind", ["Custom::AWSCDK-EKS-KubernetesResource", "Custom::AWSCDK-EKS-HelmChart"])
def test_a_delivery_that_would_delete_objects_is_refused(kind: str) -> None:
    there = {"describe_stacks": [stack("t-control-plane-c"), stack("t-workloads-c")]}
    run = Deploy()
    with pytest.raises(BadInput, match=r"c: its stack t-workloads-c applies .* Deploy delivery: handover first"):
        run(minimal(), {**there, "get_template t-workloads-c": applies("Delete", kind)})
    assert run.ran == []
    assert run(minimal(), {**there, "get_template t-workloads-c": applies("Retain", kind)}) == 0
    assert run(minimal(delivery="handover"), {**there, "get_template t-workloads-c": applies("Delete", kind)}) == 0
    assert len(run.ran) == 2


def test_a_call_of_the_cdk_is_read_as_the_cdk_reads_it() -> None:
    said = context(["cdk", "deploy", "-c", "env=a=b", "--context", "today=2026-11-23", "--context=before_pools=", "-c"])
    assert said == {"env": "a=b", "today": "2026-11-23", "before_pools": ""}


def made_in(zones: int) -> dict[str, Any]:
    """An account with the cluster c, made in some zones."""
    subnets = [{"Fn::GetStackOutput": {"OutputName": f"Private{number}"}} for number in range(zones)]
    cluster = {"Type": "AWS::EKS::Cluster", "Properties": {"ResourcesVpcConfig": {"SubnetIds": subnets}}}
    return {
        "describe_stacks": [stack("t-control-plane-c")],
        "get_template t-control-plane-c": {"Resources": {"Cluster": cluster}},
    }


@pytest.mark.parametrize(
    ("zones", "kept", "made", "said"),
    [
        (3, None, 2, r"made in 2 AZs and would be in 3, which EKS refuses: set its control_plane.zones: 2"),
        (3, 2, 2, None),
        (2, None, 2, None),
        (2, None, 3, r"would be in 2, which EKS refuses: leave the network its 3 zones"),
    ],
)
def test_other_zones_of_a_control_plane_are_refused_before_the_network_changes(
    zones: int, kept: int | None, made: int, said: str | None
) -> None:
    data = minimal()
    data["network"]["availability_zones"] = zones
    if kept:
        data["clusters"][0]["control_plane"]["zones"] = kept
    run = Deploy()
    if said is None:
        assert run(data, made_in(made)) == 0
        return
    with pytest.raises(BadInput, match=said):
        run(data, made_in(made))
    assert run.ran == []


@pytest.mark.parametrize("action", ["deploy", "diff", "destroy", "smoke", "check-network"])
def test_without_credentials_the_environment_is_not_even_read(
    action: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [one for one in os.environ if one.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    file = tmp_path / "wrong.yaml"
    file.write_text("name: 1: 2")
    assert main([action, str(file), "--", "cdk", "deploy"]) == 2
    said = capsys.readouterr().err
    assert "there are no AWS credentials. Sign in" in said
    assert said.endswith("Nothing was changed.\n")
    assert main([action, "nope", "--", "cdk", "deploy"]) == 2
    assert 'There is no environment "nope"' in capsys.readouterr().err
