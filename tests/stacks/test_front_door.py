"""The project as people use it: app.py, the CDK CLI, make, the schema in the editor, the README."""

import copy
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
import yaml

from stacks.environment.schema import schema
from stacks.summary import stacks_of
from stacks.synth_checks.limits import LimitExceeded, check_manifests, check_templates
from tests.support.environments import ENVIRONMENTS, ROOT, minimal
from tests.support.front_door import front_door, front_door_process

pytestmark = pytest.mark.whole

BIN = Path(sys.executable).parent


def run(*command, cwd=ROOT, **env):
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **env}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)


STAGED = {"aws:cdk:disable-asset-staging": False}


def written(folder, data):
    path = folder / "mine.yaml"
    path.write_text(yaml.dump(data))
    return str(path)


def test_two_threads_never_load_the_cdk_at_once(tmp_path):
    """They would start two jsii kernels and wait for each other's answers for ever."""
    script = """
import sys, threading
sys.argv = ["app.py"]
class Finder:
    seen = []
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("aws_cdk", "constructs", "jsii"):
            self.seen.append(threading.current_thread())
sys.meta_path.insert(0, Finder())
import app
from safe_io.errors import BadInput
try:
    app.main()
except BadInput:
    threads = Finder.seen
    changes = sum(before is not after for before, after in zip(threads, threads[1:]))
    print(len(set(threads)), changes)
"""
    (tmp_path / "wrong.yaml").write_text("name: wrong\nno-such-key: 1\n")
    context = json.dumps({"env": str(tmp_path / "wrong.yaml")})
    environment = {**os.environ, "CDK_CONTEXT_JSON": context, "CDK_OUTDIR": str(tmp_path)}
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True)
    # jsii in the main thread, the CDK in another, what uses it in the main thread again: never in turns.
    assert result.stdout == "2 2\n", result.stdout + result.stderr


def test_a_file_of_ones_own(tmp_path):
    result = front_door_process(tmp_path / "out", env=written(tmp_path, minimal()))
    assert (result.returncode, result.stdout) == (0, "")
    assert {name for name, _ in stacks_of(tmp_path / "out")} == {
        "t-foundation",
        "t-network",
        "t-egress",
        "t-control-plane-c",
        "t-access-c",
        "t-compute-c",
        "t-protection-c",
    }
    assert [path.name for path in sorted((tmp_path / "out/manifests/c").iterdir())] == [
        "11-network-policy.yaml",
        "30-storage-classes.yaml",
        "40-ingress-classes.yaml",
        "delivery.json",
    ]


def test_the_smallest_file_of_the_readme_works(tmp_path):
    (block,) = re.findall(r"```yaml\n(name: small.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (tmp_path / "small.yaml").write_text(block)
    assert front_door(tmp_path / "out", env=str(tmp_path / "small.yaml")).returncode == 0


def test_the_same_file_makes_the_same_bytes(tmp_path):
    """In two processes: their hashes differ."""
    assert front_door(tmp_path / "one", env="demo", **STAGED).returncode == 0
    assert front_door_process(tmp_path / "two", env="demo").returncode == 0
    for path in (tmp_path / "one").glob("*.template.json"):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_versions_of_the_lock_file_reach_the_template(tmp_path):
    path = written(tmp_path, minimal({"managed_nodes": {"groups": [{"name": "a", "instance_types": ["m7i.large"]}]}}))
    (tmp_path / "mine.lock.yaml").write_text(
        'addons: {"1.36": {vpc-cni: v1.20.4-eksbuild.2}, "1.35": {coredns: v1.0.0-eksbuild.1}}'
    )
    assert front_door(tmp_path / "out", env=path).returncode == 0
    template = json.loads((tmp_path / "out/t-compute-c.template.json").read_text())
    versions = {
        value["Properties"]["AddonName"]: value["Properties"].get("AddonVersion")
        for value in template["Resources"].values()
        if value["Type"] == "AWS::EKS::Addon"
    }
    assert versions["vpc-cni"] == "v1.20.4-eksbuild.2"
    assert versions["coredns"] is None, "locked for another Kubernetes version"


def test_before_pools_names_clusters_of_the_environment(tmp_path):
    result = front_door(tmp_path / "out", env="production", before_pools="prod")
    assert result.returncode == 2
    assert result.stderr.strip() == "before_pools names prod; the clusters of production are: production"
    assert not (tmp_path / "out").exists()


def test_a_cluster_out_of_support_can_still_be_looked_at(tmp_path):
    data = minimal()
    data["clusters"][0]["control_plane"] |= {"kubernetes_version": "1.31", "support": "EXTENDED"}
    path = written(tmp_path, data)
    late = front_door(tmp_path / "late", env=path, today="2026-11-27")
    assert late.returncode == 2
    assert "out of support since 2026-11-26" in late.stderr
    assert front_door(tmp_path / "early", env=path, today="2026-11-26").returncode == 0
    assert (
        front_door(tmp_path / "never", env=path, today="soon").stderr
        == 'today is "soon"; it must be a date such as 2026-11-23 (-c today=...)\n'
    )


@pytest.mark.parametrize(
    ("context", "message"), [({"checks": "maybe"}, "allowed: on, off"), ({"env": "demo.yaml"}, "Did you mean demo?")]
)
def test_other_bad_context(tmp_path, context, message):
    result = front_door(tmp_path / "out", **{"env": "demo", **context})
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_templates_of_another_environment_do_not_stay_in_the_assembly(tmp_path):
    for name in ("demo", "fargate"):
        assert front_door(tmp_path / "out", env=name).returncode == 0
    assert {path.name for path in (tmp_path / "out").glob("*.template.json")} == {
        "fargate-foundation.template.json",
        "fargate-network.template.json",
        "fargate-egress.template.json",
        "fargate-control-plane-fargate.template.json",
        "fargate-access-fargate.template.json",
        "fargate-compute-fargate.template.json",
        "fargate-protection-fargate.template.json",
    }
    assert [path.name for path in (tmp_path / "out/manifests").iterdir()] == ["fargate"]


def test_nothing_is_looked_up_in_an_account(tmp_path):
    data = {**minimal(), "account": "123456789012", "region": "eu-west-1"}
    assert front_door(tmp_path / "out", env=written(tmp_path, data)).returncode == 0
    assert "missing" not in json.loads((tmp_path / "out/manifest.json").read_text())


def test_the_makefile_learns_the_name_that_stacks_begin_with(tmp_path):
    path = written(tmp_path, minimal())
    assert run(sys.executable, "-m", "stacks.environment.name", path).stdout == "t\n"
    for bad in ("nope", written(tmp_path, {**minimal(), "name": "*"})):
        result = run(sys.executable, "-m", "stacks.environment.name", bad)
        assert (result.returncode, result.stdout) == (2, "")


def test_more_than_a_stack_holds_is_said_before_cloudformation_says_it(tmp_path):
    data = minimal()
    data["clusters"][0]["access"]["entries"] = [
        {"principal": f"role/R{n}", "policy": "AmazonEKSViewPolicy"} for n in range(280)
    ]
    data["clusters"][0]["access"]["readers"] = [f"role/Q{n}" for n in range(240)]
    result = front_door(tmp_path / "out", env=written(tmp_path, data))
    assert result.returncode == 2
    assert re.search(r"stack t-access-c: 5\d\d resources; CloudFormation takes at most 500", result.stderr)
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists(), "nothing half-written"


def test_limits_of_templates_and_manifests(tmp_path):
    big = tmp_path / "a.template.json"
    big.write_text(json.dumps({"Resources": {"A": {"Type": "T", "Properties": {"X": "x" * 1_000_001}}}}))
    with pytest.raises(LimitExceeded, match=r"stack a: 1,000,\d+ bytes"):
        check_templates([big])
    manifest = tmp_path / "m.yaml"
    manifest.write_text(yaml.dump({"kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"x": "x" * 262_144}}))
    with pytest.raises(LimitExceeded, match=r"/m\.yaml: ConfigMap m has"):
        check_manifests(tmp_path)


def test_objects_that_cloudformation_cannot_hand_over_are_refused(tmp_path):
    template = tmp_path / "t-workloads-c.template.json"
    resource = {"Type": "Custom::AWSCDK-EKS-KubernetesResource", "Properties": {"Manifest": "x" * 262_144}}
    template.write_text(json.dumps({"Resources": {"Big": resource}}))
    with pytest.raises(LimitExceeded, match=r"the Kubernetes objects of Big have 262,\d+ bytes.*delivery: files"):
        check_templates([template])


@pytest.mark.parametrize(("resources", "refused"), [(6_050, False), (6_200, True)])
def test_a_policy_that_iam_would_not_take_is_refused(tmp_path, resources, refused):
    template = tmp_path / "t-foundation.template.json"
    name = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":", "x" * resources]]}
    document = {"Statement": [{"Effect": "Allow", "Action": "a:B", "Resource": [name, {"Fn::GetAtt": ["Key", "Arn"]}]}]}
    policy = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}
    template.write_text(json.dumps({"Resources": {"Policy": policy}}))
    with (
        pytest.raises(LimitExceeded, match=r"Policy of stack t-foundation: .* at most 6,144")
        if refused
        else nullcontext()
    ):
        check_templates([template])


@pytest.mark.parametrize(
    ("names", "refused"), [(["corp-a", "Corp-A"], "IAM has a name once"), (["x" * 65], "at most 64"), (["a", "b"], "")]
)
def test_names_of_roles_that_iam_would_not_take_are_refused(tmp_path, names, refused):
    template = tmp_path / "t-foundation.template.json"
    made = {f"R{n}": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": name}} for n, name in enumerate(names)}
    template.write_text(json.dumps({"Resources": made}))
    with pytest.raises(LimitExceeded, match=refused) if refused else nullcontext():
        check_templates([template])


def test_fifty_workloads_fit_into_one_stack(tmp_path):
    samples = [
        {"name": "bucket-reader"},
        {"name": "web", "plain_http": True},
        {"name": "store"},
        {"name": "guardrails"},
    ]
    workloads = [
        {**samples[number % len(samples)], "compute": "auto_mode", "namespace": f"team-{number}"}
        for number in range(50)
    ]
    data = minimal(workloads=workloads, delivery="kubectl")
    result = front_door(tmp_path / "out", env=written(tmp_path, data))
    assert result.returncode == 0, result.stderr
    resources = json.loads((tmp_path / "out/t-workloads-c.template.json").read_text())["Resources"].values()
    assert sum(one["Type"] == "AWS::S3::Bucket" for one in resources) == 13


def test_sixty_clusters_fit(tmp_path):
    data = minimal()
    cluster = data["clusters"][0]
    data["clusters"] = [{**copy.deepcopy(cluster), "name": f"c{number}"} for number in range(60)]
    assert front_door(tmp_path / "out", env=written(tmp_path, data)).returncode == 0


@pytest.mark.skipif(
    not (ROOT / "node_modules/aws-cdk").exists(), reason="the CDK CLI is missing: run `make setup` or `npm ci`"
)
class TestCdkCli:
    def test_synth_and_ls(self, tmp_path):
        """Without the checks: tests/emulator/test_demo.py runs the CLI with them."""
        rest = ("-c", "env=demo", "-c", "checks=off", "--output", str(tmp_path / "out"))
        result = run("npx", "--no-install", "cdk", "synth", "--quiet", *rest)
        assert result.returncode == 0, result.stderr
        listed = run("npx", "--no-install", "cdk", "ls", *rest)
        assert listed.stdout.split() == [
            "demo-foundation",
            "demo-network",
            "demo-egress",
            "demo-control-plane-demo",
            "demo-access-demo",
            "demo-compute-demo",
            "demo-protection-demo",
        ]

    def test_a_mistake_is_answered_in_one_line(self, tmp_path):
        result = run("npx", "--no-install", "cdk", "synth", "-c", "env=nope", "--output", str(tmp_path / "out"))
        assert result.returncode != 0
        assert 'There is no environment "nope"' in result.stderr
        assert "Traceback" not in result.stderr

    def test_the_cli_is_the_one_that_reads_these_assemblies(self):
        assert json.loads((ROOT / "package.json").read_text())["devDependencies"]["aws-cdk"] == "2.1148.1"
        assert json.loads((ROOT / "node_modules/aws-cdk/package.json").read_text())["version"] == "2.1148.1"


def test_the_schema_is_current():
    assert (ROOT / "environments/schema.json").read_text() == schema(), "run `make schema`"


def test_the_schema_describes_what_editors_show():
    definitions = json.loads((ROOT / "environments/schema.json").read_text())["$defs"]
    described = [field for spec in definitions.values() for field in spec.get("properties", {}).values()]
    assert len([field for field in described if "description" in field]) > 60
    assert all(spec.get("additionalProperties") is False for spec in definitions.values() if "properties" in spec)


def test_cdk_json_has_the_flags_that_the_cli_recommends():
    recommended = ROOT / "node_modules/aws-cdk/lib/init-templates/.recommended-feature-flags.json"
    if not recommended.exists():
        pytest.skip("the CDK CLI is missing: run `make setup` or `npm ci`")
    assert json.loads((ROOT / "cdk.json").read_text())["context"] == json.loads(recommended.read_text())


def test_make_names_the_environments_when_none_is_named():
    make = shutil.which("make")
    result = subprocess.run(
        [make, "--no-print-directory", "env-named"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 2
    for name in ENVIRONMENTS:
        assert name in result.stderr


@pytest.mark.parametrize(
    "page",
    ["README.md", "CONTRIBUTING.md", "SECURITY.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))],
)
def test_pages_name_targets_and_files_that_exist(page):
    text = (ROOT / page).read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert (
        set(re.findall(r"`?make ([a-z-]+)", " ".join(re.findall(r"`[^`]*`|^    .*|^make .*", text, re.MULTILINE))))
        <= targets
    )
    for link in re.findall(r"\]\(((?!https?:)[^)#]+)", text):
        assert ((ROOT / page).parent / link).exists(), link
