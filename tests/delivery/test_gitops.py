"""`make gitops`: the tree for a Git repository, as Argo CD and as Flux read it."""

import json
import re
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from graphlib import TopologicalSorter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from delivery.__main__ import main
from delivery.gitops import argo_cd, flux
from delivery.gitops.argo_cd import _scaled
from delivery.gitops.command import write_tree
from delivery.gitops.components import Component, Place
from delivery.gitops.objects import component
from delivery.gitops.projects import project, project_of, team_projects
from delivery.gitops.secrets import refuse_secrets_of_chart
from delivery.gitops.settings import GitOps, Team
from delivery.order import STAGES
from delivery.plan import read_plan
from emulator import tools
from safe_io.errors import BadInput
from tests.delivery.test_delivery import Account
from tests.support.environments import environment_data
from tests.support.synth import assembled

ENGINES = ("argo_cd", "flux")
NAMES = ("workloads", "managed-nodes")
REPOSITORY = "https://git.example.com/objects"


def data(name: str, engine: str, **settings: Any) -> dict[str, Any]:
    found = deepcopy(environment_data(name))
    found |= {"account": "111122223333", "region": "eu-west-1"}
    found["gitops"] = {"engine": engine, "repository": REPOSITORY, "path": "a/b", **settings}
    found["clusters"][0]["delivery"] = "gitops"
    return found


class Tree:
    """A working copy, and what a synth wrote."""

    def __init__(self, folder: Path, content: dict[str, Any]) -> None:
        folder.mkdir(exist_ok=True)
        self.out, self.said = folder / "copy", list[str]()
        self.synth(content)
        self.home = self.out / "a/b" / content["name"]
        self.cluster = self.home / content["clusters"][0]["name"]

    def synth(self, content: dict[str, Any]) -> None:
        self.assembly = assembled(content).copy(self.out.parent / f"assembly-{len(self.said)}-{id(content)}")
        self.plan = read_plan(self.assembly, None)

    def values(self) -> None:
        names = {output for step in self.plan.description.steps for output in step.outputs.values()}
        self.cluster.mkdir(parents=True, exist_ok=True)
        (self.cluster / "values.yaml").write_text(json.dumps(dict.fromkeys(names, "value")))

    def write(self, **options: Any) -> int:
        self.said = []
        return write_tree(self.assembly, self.out, self.said.append, **options)

    def files(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.home)): path.read_text()
            for path in sorted(self.home.rglob("*.yaml"))
        }  # fmt: skip

    def documents(self, pattern: str) -> Iterator[dict[str, Any]]:
        for path in sorted(self.home.glob(pattern)):
            if path.name != "kustomization.yaml":
                yield from yaml.safe_load_all(path.read_text())


@pytest.fixture(scope="module", params=[(name, engine) for name in NAMES for engine in ENGINES], ids="-".join)
def tree(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    made = Tree(tmp_path_factory.mktemp("tree"), data(*request.param, prune=True))
    made.values()
    assert made.write() == 0
    return made


def expected(tree: Tree) -> list[dict[str, Any]]:
    """The objects that `make apply` would apply, in any order."""
    values = {"AWS_ACCOUNT_ID": "111122223333", "AWS_PARTITION": "aws", "AWS_REGION": "eu-west-1"}
    values |= yaml.safe_load((tree.cluster / "values.yaml").read_text())
    steps = [step for step in tree.plan.description.steps if not step.file.endswith(".json")]
    return [item for step in steps for item in tree.plan.objects(step, values)]


def identity(item: dict[str, Any]) -> tuple[str, ...]:
    return item["apiVersion"], item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]


def without_ours(item: dict[str, Any]) -> dict[str, Any]:
    annotations = item["metadata"].get("annotations") or {}
    kept = {key: value for key, value in annotations.items() if not key.startswith(("argocd.", "kustomize.toolkit."))}
    metadata = {key: value for key, value in item["metadata"].items() if key != "annotations"}
    return {**item, "metadata": {**metadata, **({"annotations": kept} if kept else {})}}


def test_kustomize_builds_every_object_and_no_other(tree: Tree, tmp_path: Path) -> None:
    kubectl = tools.folder(tmp_path) / "kubectl"
    components = {path.parent for path in tree.cluster.glob("*/*/kustomization.yaml")}
    found = []
    for folder in {path.parent for path in components}:
        run = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=True)
        found += list(yaml.safe_load_all(run.stdout))
    assert sorted(map(identity, found)) == sorted(map(identity, expected(tree)))
    wanted = {identity(item): without_ours(item) for item in expected(tree)}
    assert {identity(item): without_ours(item) for item in found} == wanted


def test_what_applies_it_names_folders_that_are_there(tree: Tree) -> None:
    paths = [one["spec"]["path"] for one in tree.documents("*/flux/*.yaml")]
    paths += [one["spec"]["source"].get("path", "") for one in tree.documents("*/applications/*.yaml")]
    assert paths
    for path in filter(None, paths):
        assert (tree.out / path / "kustomization.yaml").is_file(), path


def test_a_component_comes_after_what_it_needs(tree: Tree) -> None:
    """Charts and the cluster's own objects one after the other; workloads after all of them."""
    steps = tree.plan.description.steps
    own = [step.file.split("-", 1)[1].split(".")[0] for step in steps if not step.workload]
    workloads = [step.file.split("-", 1)[1].split(".")[0] for step in steps if step.workload]
    if waves := {
        one["metadata"]["name"]: int(one["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"])
        for one in tree.documents("*/applications/*.yaml")
    }:
        wave = {
            name: next(of for full, of in waves.items() if full.endswith(f"-{name}")) for name in [*own, *workloads]
        }
        assert [wave[name] for name in own] == sorted({wave[name] for name in own})
        assert all(wave[name] > wave[own[-1]] for name in workloads)
        return
    needs = {
        one["metadata"]["name"]: {need["name"] for need in one["spec"].get("dependsOn", [])}
        for one in tree.documents("*/flux/*.yaml")
    }
    order = list(TopologicalSorter(needs).static_order())
    assert set(order) == set(needs)  # nothing waits for what is not there
    places = [max(order.index(one) for one in needs if one == name or one.startswith(f"{name}-")) for name in own]
    assert places == sorted(places)
    for name in workloads:
        first = [one for one in needs if one.startswith(f"{name}-")]
        assert min(order.index(one) for one in first) > places[-1]
        assert sorted(first, key=order.index) == [f"{name}-{stage}" for stage in STAGES if f"{name}-{stage}" in first]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_workload_more_changes_no_file_of_another(tmp_path: Path, engine: str) -> None:
    content = data("workloads", engine)
    less = deepcopy(content)
    taken = less["clusters"][0]["workloads"].pop()
    tree = Tree(tmp_path, less)
    tree.values()
    tree.write()
    before = tree.files()
    tree.synth(content)
    tree.values()
    tree.write()
    after = tree.files()
    name = taken["name"]
    changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    lists = {"applications/kustomization.yaml", "flux/kustomization.yaml", "values.yaml"}
    lists = {f"{tree.cluster.name}/{one}" for one in lists} | {"bootstrap/project.yaml"}
    assert {path for path in changed if name not in path} <= lists
    assert {path for path in changed if name in path}
    tree.synth(less)
    tree.write()
    assert set(tree.files()) == set(before)  # and what is taken out of the file leaves the tree


@pytest.mark.parametrize("engine", ENGINES)
def test_files_of_others_and_their_values_stay(tmp_path: Path, engine: str) -> None:
    tree = Tree(tmp_path, data("workloads", engine))
    tree.values()
    (tree.home / "README.md").write_text("mine")
    (tree.cluster / "mine.yaml").write_text("a: 1")
    values = yaml.safe_load((tree.cluster / "values.yaml").read_text())
    tree.write()
    assert (tree.home / "README.md").read_text() == "mine"
    assert (tree.cluster / "mine.yaml").read_text() == "a: 1"
    assert yaml.safe_load((tree.cluster / "values.yaml").read_text()) == values
    assert tree.write() == 0
    assert tree.said == [f"{tree.home}: is as it should be"]


def test_it_shows_what_changes_and_check_writes_nothing(tmp_path: Path) -> None:
    tree = Tree(tmp_path, data("workloads", "argo_cd"))
    tree.values()
    assert tree.write(check=True) == 1
    assert not (tree.home / "bootstrap").exists()
    tree.write()
    file = next(tree.cluster.glob("*/base/deployment-web.yaml"))
    file.write_text(file.read_text().replace("maxUnavailable: 0", "maxUnavailable: 1"))
    assert tree.write(check=True) == 1
    assert "-      maxUnavailable: 1" in tree.said
    assert "+      maxUnavailable: 0" in tree.said


def test_values_that_nobody_said_are_named_and_nothing_is_written(tmp_path: Path) -> None:
    content = data("workloads", "argo_cd")
    del content["account"], content["region"]
    tree = Tree(tmp_path, content)
    with pytest.raises(
        BadInput,
        match=r"values\.yaml: does not say what AWS_[A-Z_]+, .* are\. After a deploy the same command with LOOK_UP=yes",
    ):
        tree.write()
    assert not tree.home.exists()


class Outputs(Account):
    """An account whose stack has outputs."""

    def __init__(self, outputs: dict[str, str]) -> None:
        super().__init__("ACTIVE")
        self.outputs = outputs

    def items(self, *_: str, **__: str) -> list[Any]:
        return [{"Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs.items()]}]


def test_the_account_says_them(tmp_path: Path) -> None:
    tree = Tree(tmp_path, data("workloads", "argo_cd"))
    outputs = {output: f"of-{output}" for step in tree.plan.description.steps for output in step.outputs.values()}
    tree.write(look_up=True, account=Outputs(outputs))
    written = yaml.safe_load((tree.cluster / "values.yaml").read_text())
    assert written == {
        "AWS_ACCOUNT_ID": "111122223333",
        "AWS_PARTITION": "aws-cn",
        "AWS_REGION": "eu-west-1",
        **outputs,
    }
    (secret,) = tree.documents("bootstrap/cluster-*.yaml")
    assert secret["stringData"]["server"] == "arn:aws-cn:eks:eu-west-1:111122223333:cluster/workloads"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("- a", "must be a mapping of names and values"),
        ("AWS_REGION: 1", 'must be text in quotes, such as AWS_REGION: "value"'),
        ("a-b: c", "must be a name of letters, digits and _"),
    ],
)
def test_values_of_another_shape_are_refused(tmp_path: Path, content: str, words: str) -> None:
    tree = Tree(tmp_path, data("workloads", "flux"))
    tree.cluster.mkdir(parents=True)
    (tree.cluster / "values.yaml").write_text(content)
    with pytest.raises(BadInput, match=words):
        tree.write()


def test_a_secret_with_values_is_refused() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "b"}}
    component([secret])  # empty: something else fills it
    for values in ("data", "stringData"):
        with pytest.raises(BadInput, match=r"Secret b/a has values, and whoever reads a Git repository reads them"):
            component([{**secret, values: {"password": "eA=="}}])
    applied = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
    with pytest.raises(BadInput, match=r"Secret b/a has values"):
        component([{**secret, "metadata": {**secret["metadata"], "annotations": applied}}])


_POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "b"}}
_MAP = {**_POD, "kind": "ConfigMap"}
_KEY = "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("item", "way"),
    [
        ({**_MAP, "data": {"DB_PASSWORD": "hunter2"}}, "ConfigMap b/a: data.DB_PASSWORD"),
        ({**_MAP, "data": {"app.conf": f"# keys\n{_KEY}"}}, "ConfigMap b/a: data.app.conf"),
        ({**_MAP, "data": {"url": "postgres://shop:hunter2@db:5432/shop"}}, "ConfigMap b/a: data.url"),
        ({**_POD, "spec": {"containers": [{"env": [{"name": "TOKEN", "value": "abc"}]}]}}, "spec.containers.0.env.0"),
        ({**_POD, "spec": {"x": "AKIAIOSFODNN7EXAMPLE"}}, "spec.x"),
        ({**_MAP, "data": {"app.conf": "id = AKIAIOSFODNN7EXAMPLE\n"}}, "data.app.conf"),
        ({**_MAP, "data": {"run.sh": f"git clone https://{'gh' + 'p_'}{'a1' * 18}@github.com/a/b\n"}}, "data.run.sh"),
    ],
    ids=[
        "by its name",
        "a private key",
        "an address",
        "a variable",
        "an access key",
        "an access key in a file",
        "a token in a file",
    ],
)
def test_a_secret_in_plain_text_is_refused_wherever_it_is_and_never_shown(item: dict[str, Any], way: str) -> None:
    with pytest.raises(BadInput, match=way) as refusal:
        component([item])
    assert not re.search("hunter2|MII|abc|AKIA", str(refusal.value))


def test_what_only_names_a_secret_may_be_in_git() -> None:
    by_name = {
        "secretStoreRef": {"name": "aws"},
        "data": [{"secretKey": "password", "remoteRef": {"key": "db/password"}}],
    }
    variable = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}
    component(
        [{"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": "a"}, "spec": by_name}]
    )
    component([{**_POD, "spec": {"containers": [{"env": [variable]}], "imagePullSecrets": [{"name": "pull"}]}}])
    component([{**_MAP, "data": {"SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db"}}])


def test_a_secret_among_the_values_of_a_chart_is_refused() -> None:
    chart = {"name": "db", "chart": "db", "repository": "https://x", "version": "1", "namespace": "db"}
    for values in ({"auth": {"adminPassword": "hunter2"}}, {"tls": {"key": _KEY}}):
        with pytest.raises(BadInput, match=r"chart db: the value (auth\.adminPassword|tls\.key) is a secret"):
            refuse_secrets_of_chart(SimpleNamespace(**chart, values=values))  # type: ignore[arg-type]
    for name in ("token", "apiKey", "clientSecret", "API_KEY", "secretKey", "credentials"):
        with pytest.raises(BadInput, match=rf"the value auth\.{name} is a secret"):
            refuse_secrets_of_chart(SimpleNamespace(**chart, values={"auth": {name: "9f86d081884c7d65"}}))  # type: ignore[arg-type]
        for other in ("db", "redis-7", "grafana.admin_2", "", "${TOKEN}", "/var/run/token", "https://auth.example.com"):
            refuse_secrets_of_chart(SimpleNamespace(**chart, values={"auth": {name: other}}))  # type: ignore[arg-type]
    names = {
        "existingSecret": "db",
        "password": "",
        "tokenSecretName": "9f86d081884c7d65",
        "automountServiceAccountToken": True,
    }
    refuse_secrets_of_chart(SimpleNamespace(**chart, values={"auth": names}))  # type: ignore[arg-type]


def test_every_object_has_a_file_whose_name_is_its_own() -> None:
    def role(name: str, kind: str = "ClusterRole", **metadata: str) -> dict[str, Any]:
        return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name, **metadata}}

    items = [
        *(role(name) for name in ("system:a", "system-a", "system.a", "System:a", "a" * 253, f"{'a' * 252}b")),
        *(role("x", "Role", namespace=space) for space in ("here", "b", "b-c")),
        role("x-b", "Role", namespace="c"),
    ]
    together = component(items, namespace="here")
    alone = [component([item], namespace="here") for item in items]
    assert len({*together} - {name for name in together if name.endswith("kustomization.yaml")}) == len(items)
    assert {name for one in alone for name in one} == {*together}, "what else is there does not matter"
    assert max(len(Path(name).name) for name in together) <= 255
    assert any(name.endswith("/role-x.yaml") for name in together)


def test_make_apply_leaves_such_a_cluster_to_the_repository(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = Tree(tmp_path, data("workloads", "argo_cd"))
    for action in ("apply", "remove"):
        assert main([action, str(tree.assembly)]) == 2
        assert "its objects come from a Git repository" in capsys.readouterr().err


def test_an_assembly_without_such_a_cluster_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = environment_data("demo")
    assembly = assembled(content).copy(tmp_path)
    assert main(["gitops", str(assembly), "--output", str(tmp_path / "copy")]) == 2
    assert "no cluster has delivery: gitops" in capsys.readouterr().err


@pytest.fixture(scope="module", params=NAMES)
def argo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    made = Tree(tmp_path_factory.mktemp("argo"), data(request.param, "argo_cd"))
    made.values()
    made.write()
    return made


class TestArgoCd:
    def test_the_project_allows_what_the_applications_do_and_no_other_repository(self, argo: Tree) -> None:
        (project,) = argo.documents("bootstrap/project.yaml")
        spec = project["spec"]
        applications = list(argo.documents("*/applications/*.yaml"))
        assert set(spec["sourceRepos"]) == {one["spec"]["source"]["repoURL"] for one in applications}
        assert spec["sourceNamespaces"] == ["argocd"]  # EKS's Argo CD wants it
        allowed = {(one["name"], one["namespace"]) for one in spec["destinations"]}
        whole = ("*", "*") in {(one["group"], one["kind"]) for one in spec["clusterResourceWhitelist"]}
        charts = [one for one in applications if "chart" in one["spec"]["source"]]
        assert whole == bool(charts)
        for one in applications:
            target = one["spec"]["destination"]
            assert {(target["name"], target["namespace"]), (target["name"], "*")} & allowed

    def test_namespaces_and_volumes_stay_when_they_leave_the_tree(self, argo: Tree) -> None:
        for item in argo.documents("*/*/namespaces/*.yaml"):
            assert item["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] == "Prune=false,Delete=false"

    def test_each_object_has_the_wave_of_its_stage(self, argo: Tree) -> None:
        for number, stage in enumerate(STAGES):
            for item in argo.documents(f"*/*/{stage}/*.yaml"):
                assert item["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"] == str(number)

    def test_certificates_that_a_chart_draws_anew_are_left_alone(self, argo: Tree) -> None:
        for one in argo.documents("*/applications/*aws-load-balancer-controller.yaml"):
            kinds = {row["kind"] for row in one["spec"]["ignoreDifferences"]}
            assert kinds == {"Secret", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"}
            assert "RespectIgnoreDifferences=true" in one["spec"]["syncPolicy"]["syncOptions"]

    def test_a_job_is_a_hook(self) -> None:
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a", "namespace": "b"}, "spec": {}}
        from delivery.gitops.argo_cd import _changed

        annotations = _changed("base", job)["metadata"]["annotations"]
        assert annotations["argocd.argoproj.io/hook"] == "Sync"

    def test_replicas_that_an_autoscaler_sets_are_left_alone(self) -> None:
        def of(kind: str, name: str, **spec: Any) -> dict[str, Any]:
            return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}

        scaler = of("HorizontalPodAutoscaler", "x", scaleTargetRef={"kind": "Deployment", "name": "a"})
        objects = [of("Deployment", "a", replicas=2), of("Deployment", "b", replicas=2), scaler]
        assert list(_scaled(objects)) == [
            {"group": "apps", "kind": "Deployment", "name": "a", "jsonPointers": ["/spec/replicas"]}
        ]
        assert list(_scaled([of("Deployment", "a"), scaler])) == []

    def test_without_automatic_nothing_is_synced_by_itself(self, tmp_path: Path) -> None:
        tree = Tree(tmp_path, data("managed-nodes", "argo_cd", automatic=False))
        tree.values()
        tree.write()
        for one in tree.documents("*/applications/*.yaml"):
            assert "automated" not in one["spec"]["syncPolicy"]

    def test_the_hub_is_the_cluster_with_the_capability(self, tmp_path: Path) -> None:
        content = data("managed-nodes", "argo_cd")
        person = {"group": "12345678-90ab-cdef-1234-567890abcdef"}
        center = "arn:aws:sso:::instance/ssoins-1234567890abcdef"
        argo_cd = {"identity_center": center, "admins": [person], "namespace": "gitops"}
        content["clusters"][0]["capabilities"] = {"argo_cd": argo_cd}
        tree = Tree(tmp_path, content)
        tree.values()
        tree.write()
        (root,), (project,) = tree.documents("bootstrap/applicationset.yaml"), tree.documents("bootstrap/project.yaml")
        spec = root["spec"]["template"]["spec"]
        assert (spec["project"], spec["destination"]) == (
            content["name"],
            {"name": f"{content['name']}-{content['clusters'][0]['name']}", "namespace": "gitops"},
        )
        assert spec["destination"] in project["spec"]["destinations"]

    def test_a_team_has_a_project_that_allows_its_namespaces_and_nothing_of_the_platform(self, tmp_path: Path) -> None:
        content = data("workloads", "argo_cd")
        content["clusters"][0]["teams"] = [
            {"name": "shop", "namespaces": ["shop-jobs"], "network": "open", "argo_cd_groups": ["developers"]}
        ]
        tree = Tree(tmp_path, content)
        tree.values()
        tree.write()
        name = f"{content['name']}.shop"
        (project,) = tree.documents("bootstrap/project-shop.yaml")
        spec = project["spec"]
        cluster = f"{content['name']}-{content['clusters'][0]['name']}"
        assert project["metadata"]["name"] == name
        assert spec["destinations"] == [{"name": cluster, "namespace": "shop-jobs"}]
        assert spec["sourceRepos"] == [REPOSITORY]
        assert {one["kind"] for one in spec["namespaceResourceBlacklist"]} >= {"ResourceQuota", "RoleBinding"}
        assert spec["clusterResourceWhitelist"] == []
        (role,) = spec["roles"]
        assert role["groups"] == ["developers"]
        assert f"p, proj:{name}:team, applications, sync, {name}/*, allow" in role["policies"]
        assert "project-shop.yaml" in (tree.home / "bootstrap/kustomization.yaml").read_text()

    def test_with_the_capability_a_team_is_a_role_of_the_one_project(self) -> None:
        team = Team(name="shop", namespaces=["shop"], groups=["g1"])
        settings = GitOps(
            engine="argo_cd", repository=REPOSITORY, revision="main", path="", namespace="argocd", project="env",
            hub="env-hub", credentials=None, prune=False, automatic=True, teams=[team],
        )  # fmt: skip
        place = Place("env", "hub", settings)
        deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}}
        theirs, others = Component("web", [deployment], namespace="shop"), Component("base", [], namespace="base")
        trees = [(place, [theirs, others])]
        assert not list(team_projects(trees))
        assert {project_of(place, one) for one in (theirs, others)} == {"env"}
        (role,) = project(trees)["spec"]["roles"]
        assert (role["name"], role["groups"]) == ("shop", ["g1"])
        assert role["policies"] == [
            f"p, proj:env:shop, {what}, env/env-hub-web, allow"
            for what in ("applications, get", "applications, sync", "logs, get")
        ]
        own = Place("env", "hub", settings.model_copy(update={"team_projects": True}))
        assert [project_of(own, one) for one in (theirs, others)] == ["env.shop", "env"]
        (made,) = team_projects([(own, [theirs, others])])
        assert made[1]["metadata"]["name"] == "env.shop"
        assert "roles" not in project([(own, [theirs])])["spec"]


class TestFlux:
    @pytest.mark.parametrize("automatic", [True, False])
    def test_the_source_has_the_credentials_and_waits_if_told_to(self, tmp_path: Path, automatic: bool) -> None:
        tree = Tree(tmp_path, data("managed-nodes", "flux", automatic=automatic, credentials="git", revision="live"))
        tree.values()
        tree.write()
        source, root = tree.documents("bootstrap/*.yaml")
        assert source["spec"]["secretRef"] == {"name": "git"}
        assert source["spec"]["ref"] == {"branch": "live"}
        assert root["spec"].get("suspend", False) is not automatic
        assert root["spec"]["path"] == f"./a/b/{tree.home.name}/{tree.cluster.name}/flux"


@pytest.mark.parametrize("engine", [argo_cd, flux], ids=["argo_cd", "flux"])
def test_names_fit_into_the_labels_that_the_engines_write(engine: Any) -> None:
    settings = GitOps(
        engine=engine.__name__.rpartition(".")[2], repository=REPOSITORY, revision="main", path="", namespace="argocd",
        project="default", hub="in-cluster", credentials=None, prune=False, automatic=True,
    )  # fmt: skip
    place = Place("e" * 24, "c" * 100, settings, f"arn:aws:eks:eu-west-1:111122223333:cluster/{'c' * 100}")
    objects = [
        {"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}, **({"data": {}} if kind == "ConfigMap" else {})}
        for kind in ("Namespace", "ConfigMap")
    ]
    first, second = (Component(f"{'w' * 62}{letter}", objects, namespace=f"{'w' * 62}{letter}") for letter in "ab")
    own = [first, Component(second.name, objects, namespace=second.namespace, after=[first.name])]
    made = engine.files(place, own) | engine.bootstrap([(place, own)])
    applied = [
        item
        for content in made.values()
        for item in yaml.safe_load_all(content)
        if item["apiVersion"].startswith(("argoproj.io", "kustomize.toolkit"))
    ]
    lists = [one["list"]["elements"] for item in applied for one in item["spec"].get("generators", [])]
    names = [item["metadata"]["name"] for item in applied] + [one["name"] for of in lists for one in of]
    assert max(map(len, names)) == 63
    assert len({name for name in names if len(name) == 63}) >= len(own)
    known = {item["metadata"]["name"] for item in applied}
    assert {one["name"] for item in applied for one in item["spec"].get("dependsOn", [])} <= known
