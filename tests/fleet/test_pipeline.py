"""The pipelines of a fleet: stages within the service's limits, a template that every judge passes, roles with no more than they need."""

import json
import re
import shlex
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aws_cdk as cdk
import pytest
import yaml
from aws_cdk.aws_iam import CfnRole

from eks_constructs.roles import IamSpec
from fleet.__main__ import ACTIONS, main
from fleet.access import DEPLOYING, bootstrap_roles, lookup_config, lookup_profile
from fleet.engine_spec import GithubSpec, SourceSpec
from fleet.github import WORKFLOW, GithubStack, workflow
from fleet.loading import load_fleet
from fleet.model import Fleet
from fleet.path import fleet_path, in_repository
from fleet.pipeline_stages import STARTED_BY, Surroundings, declared, variables
from fleet.rights import may_assume
from fleet.spec import AccountSpec
from fleet.stages import MAX_ACTIONS, MAX_STAGES, pipelines
from safe_io.errors import BadInput
from stacks.environment.stack_names import fleet_github_stack
from tests.support.environments import ROOT, TODAY
from tests.support.front_door import front_door
from tests.support.kept import kept

HERE = Path(__file__).parent
STACK = "eks-fleet-example"
REUSABLE = ROOT / ".github/workflows/fleet-wave.yml"
ACTION = ROOT / ".github/actions/fleet/action.yml"


@pytest.fixture(scope="module")
def assembly() -> Path:
    """The stacks of the shipped fleet, from the front door, with every check of a synth."""

    def make(folder: Path) -> None:
        done = front_door(folder / "assembly", fleet="example", today=TODAY.isoformat(), checks="on")
        assert done.returncode == 0, done.stderr

    sources = [
        *sorted((ROOT / "fleet").glob("*.py")),
        ROOT / "fleets/example.yaml",
        *sorted((ROOT / "fleets/example").glob("*.yaml")),
    ]
    key = "pipeline of the example fleet " + "".join(path.read_text() for path in sources)
    return kept(key, make) / "assembly"


@pytest.fixture(scope="module")
def template(assembly: Path) -> dict[str, Any]:
    """The stack of the pipelines."""
    content: dict[str, Any] = json.loads((assembly / f"{STACK}.template.json").read_text())
    return content


def of_type(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {name: one["Properties"] for name, one in template["Resources"].items() if one["Type"] == kind}


def stages_of(template: dict[str, Any]) -> list[dict[str, Any]]:
    (pipeline,) = of_type(template, "AWS::CodePipeline::Pipeline").values()
    return list(pipeline["Stages"])


def test_a_wave_is_looked_at_approved_deployed_and_gated(template: dict[str, Any]) -> None:
    names = [stage["Name"] for stage in stages_of(template)]
    waves = [f"{wave}{part}" for wave in ("canary", "europe", "rest") for part in (".look", ".approve", "")]
    assert names == ["Source", "Checks", *waves]
    europe = stages_of(template)[names.index("europe")]
    assert [(one["Name"], one["RunOrder"]) for one in europe["Actions"]] == [
        ("shop-eu-central", 1),
        ("shop-eu-west", 1),
        ("Gate", 2),
    ]
    variables = json.loads(europe["Actions"][0]["Configuration"]["EnvironmentVariables"])
    assert {one["name"]: one["value"] for one in variables} == {"WAVE": "europe", "ENVIRONMENT": "shop-eu-central"}


def test_every_action_is_one_that_codepipeline_takes(template: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ActionDeclaration.html"""
    for stage in stages_of(template):
        for action in stage["Actions"]:
            assert ("TimeoutInMinutes" in action) == (action["ActionTypeId"]["Category"] == "Approval"), action["Name"]
            assert all(len(value) <= 1_000 for value in action["Configuration"].values() if isinstance(value, str))


def test_an_approval_names_as_many_people_as_an_action_has_place_for(tmp_path: Path) -> None:
    people = [f"role/{'x' * 100}{index}" for index in range(50)]
    fleet = fleet_of(tmp_path, 1, [{"name": "only", "percent": 100, "approval": {"by": people}}])
    ((*_, approve, _),) = pipelines(fleet)
    (made,) = declared([approve], around())
    text = made.actions[0].configuration["CustomData"]  # type: ignore[union-attr, index]
    assert len(text) <= 1_000
    assert text.endswith(f"{people[3]} and 46 more."), text


def around(before: str | None = None, after: str | None = None) -> Surroundings:
    source = SourceSpec(
        connection_arn="arn:aws:codeconnections:eu-west-1:111122223333:connection/1234abcd-12ab-34cd-56ef-1234567890ab",
        repository="example/eks-platform",
    )
    return Surroundings("eks-fleet-big.2", source, defaultdict(str), before, after)


def test_a_pipeline_that_another_one_starts_goes_on_only_then(tmp_path: Path) -> None:
    """CodePipeline starts a pipeline when it makes it: waves would move before those of the pipeline before."""
    waves = [{"name": f"w{index}", "environments": [f"e{index:03d}"]} for index in range(20)]
    first, second = pipelines(fleet_of(tmp_path, 20, waves))
    assert variables(None) is None
    (variable,) = variables("eks-fleet-big") or ()
    assert (variable.name, variable.default_value) == (STARTED_BY, "nobody")
    begin = declared(second, around(before="eks-fleet-big"))
    assert begin[0].before_entry is None, "a source cannot have a condition"
    (condition,) = begin[1].before_entry["conditions"]  # type: ignore[index]
    assert condition["result"] == "FAIL"
    (rule,) = condition["rules"]
    assert rule["configuration"] == {"Variable": "#{variables.STARTED_BY}", "Value": "eks-fleet-big", "Operator": "EQ"}
    *_, last = declared(
        first, Surroundings("eks-fleet-big", around().source, defaultdict(str), None, "eks-fleet-big.2")
    )
    said = last.actions[0].configuration  # type: ignore[union-attr]
    assert json.loads(said["Variables"]) == [{"name": STARTED_BY, "value": "eks-fleet-big"}]  # type: ignore[index]


def test_an_approval_is_skipped_only_where_nothing_is_replaced_and_the_file_asks_for_none(
    template: dict[str, Any],
) -> None:
    stages = {stage["Name"]: stage for stage in stages_of(template)}
    (condition,) = stages["canary.approve"]["BeforeEntry"]["Conditions"]
    assert condition["Result"] == "SKIP"
    (rule,) = condition["Rules"]
    assert rule["RuleTypeId"]["Provider"] == "VariableCheck"
    assert rule["Configuration"] == {"Variable": "#{look_canary.REPLACED}", "Value": "0", "Operator": "NE"}
    assert "BeforeEntry" not in stages["europe.approve"], "the file says who approves it"
    assert "role/PlatformLead" in stages["europe.approve"]["Actions"][0]["Configuration"]["CustomData"]
    looked = [one["Namespace"] for one in stages["canary.look"]["Actions"]]
    assert looked == ["look_canary"], "the variable of the rule is of this action"


def test_what_it_keeps_is_encrypted_with_a_key_of_its_own(template: dict[str, Any]) -> None:
    (bucket,) = of_type(template, "AWS::S3::Bucket").values()
    key = {"Fn::GetAtt": ["Key", "Arn"]}
    rule = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]["ServerSideEncryptionByDefault"]
    assert rule == {"KMSMasterKeyID": key, "SSEAlgorithm": "aws:kms"}
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    (pipeline,) = of_type(template, "AWS::CodePipeline::Pipeline").values()
    assert pipeline["ArtifactStore"]["EncryptionKey"] == {"Id": key, "Type": "KMS"}
    assert (pipeline["PipelineType"], pipeline["ExecutionMode"]) == ("V2", "QUEUED")
    assert all(one["KmsKeyId"] == key for one in of_type(template, "AWS::Logs::LogGroup").values())
    assert all(one["EncryptionKey"] == key for one in of_type(template, "AWS::CodeBuild::Project").values())
    assert not any(
        one["Environment"]["PrivilegedMode"] for one in of_type(template, "AWS::CodeBuild::Project").values()
    )


def test_only_the_deploy_may_deploy_and_nobody_has_a_wildcard(template: dict[str, Any]) -> None:
    policies = of_type(template, "AWS::IAM::ManagedPolicy")
    assumed: dict[str, list[str]] = {}
    for name, policy in policies.items():
        for statement in policy["PolicyDocument"]["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            assert statement["Resource"] != "*", name
            assert not any("*" in action for action in actions), name
            if actions == ["sts:AssumeRole"]:
                assumed[name] = statement["Resource"]
    assert set(assumed) == {"LookRolePolicy", "GateRolePolicy", "DeployRolePolicy"}, (
        "the checks of a synth need no account"
    )
    assert all("-lookup-role-" in one for name in ("LookRolePolicy", "GateRolePolicy") for one in assumed[name])
    assert len(assumed["DeployRolePolicy"]) == 3 * 4, "three roles in each account and region of the fleet"
    assert not any("cfn-exec" in one for one in assumed["DeployRolePolicy"])
    for role in of_type(template, "AWS::IAM::Role").values():
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"]["Service"] in ("codebuild.amazonaws.com", "codepipeline.amazonaws.com")
        assert {"ArnLike", "StringEquals"} == set(statement["Condition"])


def test_no_resource_is_without_its_retention(template: dict[str, Any]) -> None:
    for name in ("Key", "Artifacts", "DeployLogs"):
        assert template["Resources"][name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert template["Resources"][name]["UpdateReplacePolicy"] == "Retain"


def fleet_of(tmp_path: Path, environments: int, waves: list[dict[str, Any]]) -> Fleet:
    made = tmp_path / "environments"
    made.mkdir()
    base = HERE / "environments/base.yaml"
    for index in range(environments):
        account = f"{index:012d}"
        content = {"extends": str(base), "name": f"e{index:03d}", "account": account, "region": "eu-west-1"}
        (made / f"e{index:03d}.yaml").write_text(json.dumps(content))
    accounts = {f"{index:012d}": {"bootstrap": ["eu-west-1"]} for index in range(environments)}
    path = tmp_path / "fleet.yaml"
    path.write_text(
        json.dumps({"name": "big", "environments": ["environments/*.yaml"], "accounts": accounts, "waves": waves})
    )
    return load_fleet(path, today=TODAY)


def test_a_wave_of_many_clusters_has_several_stages_and_one_gate(tmp_path: Path) -> None:
    (stages,) = pipelines(fleet_of(tmp_path, 120, [{"name": "most", "percent": 100}]))
    deploying = [stage for stage in stages if any(action.job == "deploy" for action in stage.actions)]
    assert [stage.name for stage in deploying] == ["most", "most.2", "most.3"]
    assert [len(stage.actions) for stage in deploying] == [49, 49, 23]
    gates = [stage.name for stage in stages for action in stage.actions if action.job == "gate"]
    assert gates == ["most.3"], "after the last of its clusters"
    assert max(len(stage.actions) for stage in stages) <= MAX_ACTIONS


def test_no_stage_or_action_has_the_name_of_another_whatever_waves_and_environments_are_called(tmp_path: Path) -> None:
    names = ["a", "a-look", "a-approve", "a-2", "gate", "source", "checks", "next", "codepipeline"]
    waves = [{"name": name, "environments": [f"e{index:03d}"]} for index, name in enumerate(names)]
    (stages,) = pipelines(fleet_of(tmp_path, len(names), waves))
    called = [stage.name for stage in stages]
    assert len(set(called)) == len(called)
    small = re.compile(r"[a-z][a-z0-9-]*")
    for stage in stages:
        assert all(
            action.job == "deploy" or len(stage.actions) == 1 or not small.fullmatch(action.name)
            for action in stage.actions
        )


def test_many_waves_have_several_pipelines_each_started_by_the_one_before(tmp_path: Path) -> None:
    waves = [{"name": f"w{index}", "environments": [f"e{index:03d}"]} for index in range(40)]
    made = pipelines(fleet_of(tmp_path, 40, waves))
    assert len(made) == 3
    assert all(len(stages) <= MAX_STAGES for stages in made)
    assert [stages[-1].actions[-1].job for stages in made] == ["next", "next", "gate"]
    deployed = [
        action.environment for stages in made for stage in stages for action in stage.actions if action.job == "deploy"
    ]
    assert deployed == [f"e{index:03d}" for index in range(40)]
    assert all(len({stage.name for stage in stages}) == len(stages) for stages in made)


def test_a_wave_that_is_too_large_for_a_pipeline_goes_on_in_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleet.stages.MAX_ACTIONS_OF_ALL", 201)
    first, second = pipelines(fleet_of(tmp_path, 299, [{"name": "most", "percent": 100}]))
    assert [sum(len(stage.actions) for stage in made) for made in (first, second)] == [201, 105]
    deployed = [a.environment for made in (first, second) for stage in made for a in stage.actions if a.job == "deploy"]
    assert deployed == [f"e{index:03d}" for index in range(299)]
    gates = [
        (made is second, a.name) for made in (first, second) for stage in made for a in stage.actions if a.job == "gate"
    ]
    assert gates == [(True, "Gate")], "after the last of its clusters"


@pytest.mark.parametrize("accounts", [1, 13, 14, 300])
def test_roles_of_any_number_of_accounts_fit_into_policies(accounts: int) -> None:
    regions = ["ap-southeast-2", "eu-west-1", "us-east-2"]
    spec = SimpleNamespace(
        name="big",
        accounts={f"{index:012d}": AccountSpec(bootstrap=[regions[index % 3]]) for index in range(accounts)},
    )
    policies = may_assume(cast(Any, spec), DEPLOYING, "aws")
    assert all(len(json.dumps(one, separators=(",", ":"))) < 5_500 for one in policies)
    assert len(policies) <= 8
    for number, account in spec.accounts.items():
        for region in regions:
            for kind in (*DEPLOYING, "cfn-exec"):
                wanted = kind != "cfn-exec" and region in account.bootstrap
                arn = f"arn:aws:iam::{number}:role/cdk-hnb659fds-{kind}-role-{number}-{region}"
                assert allowed(arn, number, policies) == wanted, arn


def allowed(arn: str, account: str, policies: list[list[Any]]) -> bool:
    return any(
        any(fnmatchcase(arn, resource) for resource in one["Resource"])
        and account
        in one.get("Condition", {"StringEquals": {"aws:ResourceAccount": [account]}})["StringEquals"][
            "aws:ResourceAccount"
        ]
        for policy in policies
        for one in policy
    )


def test_accounts_that_are_all_unlike_are_refused() -> None:
    regions = ["ap-southeast-1", "ap-southeast-2", "eu-central-1", "eu-west-1", "us-east-1", "us-east-2", "us-west-2"]
    chosen = [[one for bit, one in enumerate(regions) if index >> bit & 1] for index in range(1, 128)]
    spec = SimpleNamespace(
        name="odd", accounts={f"{index:012d}": AccountSpec(bootstrap=one) for index, one in enumerate(chosen)}
    )
    with pytest.raises(BadInput, match=r"odd: its accounts have so many different sets .* split the fleet"):
        may_assume(cast(Any, spec), DEPLOYING, "aws")


def test_an_engine_reads_each_account_by_the_lookup_role_of_its_bootstrap() -> None:
    fleet = load_fleet(fleet_path("example"), today=TODAY)
    text = lookup_config(fleet, "EcsContainer")
    assert text.count("[profile ") == 4
    assert "role_arn = arn:aws:iam::111122223333:role/cdk-hnb659fds-lookup-role-111122223333-eu-west-1" in text
    first = next(member for _, member in fleet.members)
    assert f"[profile {lookup_profile(first)}]" in text
    account = fleet.spec.accounts["111122223333"]
    assert bootstrap_roles("111122223333", account, ["cn-north-1"], ["deploy"], "aws-cn")[0].startswith(
        "arn:aws-cn:iam::"
    )


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ({"fleet": "exampel"}, "Did you mean example?"),
        ({"fleet": "example", "env": "demo"}, "-c env and -c fleet are both said"),
        ({"fleet": str(HERE / "bad_fleets/percent-below-100.yaml")}, "the percentages of all waves come to 60"),
    ],
)
def test_the_front_door_says_what_is_wrong(context: dict[str, str], words: str, tmp_path: Path) -> None:
    done = front_door(tmp_path / "out", **context)
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "out").exists()


def test_a_fleet_without_an_engine_has_no_stack(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, 1, [{"name": "most", "percent": 100}])
    done = front_door(tmp_path / "out", fleet=str(fleet.path))
    assert (done.returncode, "has neither pipeline nor github" in done.stderr) == (2, True), done.stderr


def test_the_review_has_nothing_against_the_roles(assembly: Path, tmp_path: Path) -> None:
    """It reads what can touch a cluster, so a cluster is beside them; a role that may do everything is one that can."""
    cluster = {
        "RoleArn": "arn:aws:iam::111122223333:role/eks",
        "ResourcesVpcConfig": {"SubnetIds": ["subnet-1", "subnet-2"]},
    }
    beside = {"Resources": {"Cluster": {"Type": "AWS::EKS::Cluster", "Properties": cluster}}}
    (tmp_path / "cluster.template.json").write_text(json.dumps(beside))

    def open_after(change: Callable[[dict[str, Any]], None]) -> list[str]:
        for path in assembly.glob("*.template.json"):
            content = json.loads(path.read_text())
            change(content)
            (tmp_path / path.name).write_text(json.dumps(content))
        command = [
            "-m",
            "responsibility",
            "review",
            "--assembly",
            str(tmp_path),
            "--format",
            "json",
            "--fail-on",
            "never",
        ]
        done = subprocess.run([sys.executable, *command], capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)["findings"]
        ours = [one for one in found if any(place["stack"].startswith(STACK) for place in one["evidence"])]
        return [one["code"] for one in ours if one["status"] in ("open", "unknown")]

    def may_do_everything(template: dict[str, Any]) -> None:
        for policy in of_type(template, "AWS::IAM::ManagedPolicy").values():
            policy["PolicyDocument"]["Statement"] = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]

    assert open_after(lambda _: None) == []
    assert "EKR023" in open_after(may_do_everything)


def test_the_templates_pass_cfn_lint(assembly: Path) -> None:
    paths = sorted(map(str, assembly.glob("*.template.json")))
    assert len(paths) == 2
    done = subprocess.run([str(Path(sys.executable).parent / "cfn-lint"), *paths], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


# --- GitHub Actions


def test_github_assumes_roles_from_one_branch_and_without_a_key(assembly: Path) -> None:
    template = json.loads((assembly / f"{STACK}-github.template.json").read_text())
    roles = of_type(template, "AWS::IAM::Role")
    assert {one["RoleName"] for one in roles.values()} == {f"{STACK}-github-look", f"{STACK}-github-deploy"}
    for one in roles.values():
        (statement,) = one["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        assert statement["Condition"] == {
            "StringEquals": {
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": "repo:example/eks-platform:ref:refs/heads/main",
                "token.actions.githubusercontent.com:job_workflow_ref": f"example/eks-platform/{WORKFLOW}@refs/heads/main",
            }
        }
    policies = of_type(template, "AWS::IAM::ManagedPolicy")
    (look,) = policies["LookRolePolicy"]["PolicyDocument"]["Statement"]
    assert all("-lookup-role-" in one for one in look["Resource"])
    assert not of_type(template, "AWS::IAM::AccessKey")


def test_a_repository_with_numbers_in_its_tokens_is_trusted_by_them() -> None:
    """https://github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens/"""
    said = {"account": "111122223333", "region": "eu-west-1", "repository": "octocat/my-repo", "branch": "release/1.0"}
    plain, numbered = GithubSpec(**said), GithubSpec(**said, owner_id="123456", repository_id="456789")
    assert plain.subject == "repo:octocat/my-repo:ref:refs/heads/release/1.0"
    assert numbered.subject == "repo:octocat@123456/my-repo@456789:ref:refs/heads/release/1.0"


@pytest.mark.parametrize(
    "name", ["${{ github.token }}.yaml", "a'; echo b.yaml", "-x.yaml", "a b.yaml", "a\n.yaml", "$(id).yaml", "ü.yaml"]
)
def test_the_path_of_a_fleet_is_no_more_than_a_path(name: str) -> None:
    with pytest.raises(BadInput, match="an engine hands this path to commands; rename it"):
        in_repository(ROOT / "fleets" / name if not name.startswith("-") else ROOT / name)
    assert in_repository(ROOT / "fleets/../fleets/example.yaml") == "fleets/example.yaml"


def test_every_file_of_a_fleet_is_in_the_repository_that_the_engine_reads(tmp_path: Path) -> None:
    fleet = load_fleet(fleet_path("example"), today=TODAY)
    (tmp_path / "base.yaml").write_text("{}")
    (tmp_path / "dev.yaml").write_text("extends: base.yaml")
    first = fleet.waves[0]
    moved = replace(first.members[0], path=tmp_path / "dev.yaml")
    with pytest.raises(BadInput, match=r"dev\.yaml: is not in the repository that the engine reads"):
        workflow(replace(fleet, waves=(replace(first, members=(moved,)), *fleet.waves[1:])))
    extends = replace(first.members[0], path=ROOT / "fleets/example/dev.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fleet.path.Layered", lambda path: SimpleNamespace(paths=[path, tmp_path / "base.yaml"]))
        with pytest.raises(BadInput, match=r"base\.yaml: is not in the repository that the engine reads"):
            workflow(replace(fleet, waves=(replace(first, members=(extends,)), *fleet.waves[1:])))


def test_the_workflow_names_the_roles_as_the_stack_does_however_long_they_are() -> None:
    fleet = load_fleet(fleet_path("example"), today=TODAY)
    iam = IamSpec(name_prefix="a-prefix-of-thirty-two-letters--", path="/fleets/")
    github = GithubSpec(account="111122223333", region="eu-west-1", repository="example/eks-platform", iam=iam)
    long = replace(fleet, spec=fleet.spec.model_copy(update={"name": "a-name-of-twenty-four-xx", "github": github}))
    stack = GithubStack(cdk.App(), fleet_github_stack(long.spec.name), long, github)
    given = yaml.safe_load(workflow(long))["jobs"]["canary"]["with"]
    for job in ("look", "deploy"):
        name = cast(CfnRole, stack.node.find_child(f"{job.capitalize()}Role")).role_name
        assert name
        assert len(name) <= 64
        assert given[f"{job}-role"] == f"arn:aws:iam::111122223333:role/fleets/{name}"


def test_a_wave_that_no_matrix_takes_is_refused(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, 257, [{"name": "most", "percent": 100}])
    github = GithubSpec(account="111122223333", region="eu-west-1", repository="example/eks-platform")
    with pytest.raises(BadInput, match="wave most has 257 environments; GitHub runs 256"):
        workflow(replace(fleet, spec=fleet.spec.model_copy(update={"github": github})))


def test_a_gate_that_no_job_of_github_waits_for_is_refused(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, 1, [{"name": "only", "percent": 100, "gate": {"time_limit_minutes": 331}}])
    github = GithubSpec(account="111122223333", region="eu-west-1", repository="example/eks-platform")
    with pytest.raises(BadInput, match=r"the gate of wave only has a time limit of 331 minutes; .* set at most 330"):
        workflow(replace(fleet, spec=fleet.spec.model_copy(update={"github": github})))


def test_a_wave_is_not_approved_by_an_environment_that_github_made_by_itself() -> None:
    look = yaml.safe_load(REUSABLE.read_text())["jobs"]["look"]
    step = look["steps"][-1]
    assert look["permissions"]["actions"] == "read"

    def run(answer: str) -> subprocess.CompletedProcess[str]:
        gh = f"gh() {{ {answer}; }}\n"
        environment = {"GITHUB_REPOSITORY": "example/eks-platform", "ENVIRONMENT": "fleet-europe", "WAVE": "europe"}
        return subprocess.run(
            ["/bin/bash", "-e", "-c", gh + step["run"]], env=environment, capture_output=True, text=True, check=False
        )

    assert run("printf 'branch_policy\\nrequired_reviewers\\n'").returncode == 0
    for answer in ("echo wait_timer", "true", "return 1"):
        done = run(answer)
        assert (done.returncode, "fleet-europe has no required reviewers" in done.stdout) == (1, True), answer


def test_the_workflow_of_a_fleet_calls_its_waves_in_order() -> None:
    made = yaml.safe_load(workflow(load_fleet(fleet_path("example"), today=TODAY)))
    jobs = made["jobs"]
    assert [(name, job.get("needs")) for name, job in jobs.items()] == [
        ("canary", None),
        ("europe", "canary"),
        ("rest", "europe"),
    ]
    assert json.loads(jobs["europe"]["with"]["environments"]) == ["shop-eu-central", "shop-eu-west"]
    assert (jobs["europe"]["with"]["approval"], "approval" in jobs["rest"]["with"]) == ("fleet-europe", False)
    assert jobs["canary"]["with"]["deploy-role"] == f"arn:aws:iam::111122223333:role/{STACK}-github-deploy"
    called = yaml.safe_load(REUSABLE.read_text())
    inputs = called[True]["workflow_call"]["inputs"]  # YAML 1.1 reads `on` as true
    needed = {name for name, one in inputs.items() if one.get("required")}
    for job in jobs.values():
        assert job["uses"] == "./.github/workflows/fleet-wave.yml"
        assert needed <= set(job["with"]) <= set(inputs)


def test_the_reusable_workflow_runs_commands_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    jobs = yaml.safe_load(REUSABLE.read_text())["jobs"]
    seen: list[str] = []
    for job in jobs.values():
        for step in job["steps"]:
            for command in re.findall(r"python -m fleet (.*?)(?: \\\n\s+--|\)|$)", step.get("run", ""), re.MULTILINE):
                words = shlex.split(re.sub(r"\$\w+", "example", command))
                assert words[0] in ACTIONS
                seen.append(words[0])
                assert main([*words[:-1], "nowhere"]) == 2
                assert "--lookup-roles: invalid choice: 'nowhere'" in capsys.readouterr().err, "all else is known"
    assert seen == ["look", "deploy", "gate"]
    assert jobs["deploy"]["permissions"] == {"id-token": "write", "contents": "read"}
    assert jobs["approve"]["permissions"] == {}, "who only waits has no token"
    uses = [step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step]
    assert all(one == "./.github/actions/fleet" or re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", one) for one in uses)


def test_workflows_fit_githubs_schema(tmp_path: Path) -> None:
    made = tmp_path / "fleet.yml"
    made.write_text(workflow(load_fleet(fleet_path("example"), today=TODAY)))
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    for schema, files in (("github-workflows", [REUSABLE, made]), ("github-actions", [ACTION])):
        done = subprocess.run([*check, f"vendor.{schema}", *map(str, files)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
