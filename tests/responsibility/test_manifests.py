"""A review of Kubernetes objects without a template."""

import json
from pathlib import Path

import pytest

from responsibility.document import Review
from tests.responsibility.command import CLUSTER, Run

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replica: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: nginx
          securityContext: {privileged: true}
"""
CHANGED = WEB.replace("image: nginx", "image: nginx:1.29")
LISTED = """\
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Service
    metadata: {name: web, namespace: shop}
    spec:
      selector: {app: wbe}
      ports:
        - port: 70000
"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "k8s/deep").mkdir(parents=True)
    (tmp_path / "k8s/web.yaml").write_text(WEB)
    (tmp_path / "k8s/deep/more.yml").write_text(LISTED)
    return Run(monkeypatch, capsys)


def reviewed(run: Run, *arguments: str, given: str = "") -> Review:
    done = run.given(given)("review", *arguments, "--format", "json", "--fail-on", "never")
    assert done.code == 0, done.err
    return Review.model_validate_json(done.out)


def lines(document: Review, code: str) -> set[tuple[str, int]]:
    found = [finding for finding in document.findings if finding.code == code and finding.status == "open"]
    return {(evidence.file, evidence.line) for finding in found for evidence in finding.evidence}


def test_a_folder_is_read_with_those_below_and_evidence_has_the_line_of_the_key(run: Run) -> None:
    document = reviewed(run, "--manifests", "k8s", "--compute", "auto-mode")
    assert document.clusters == []
    assert lines(document, "EKR244") == {("k8s/web.yaml", 5), ("k8s/deep/more.yml", 10)}
    assert lines(document, "EKR087") == {("k8s/web.yaml", 13)}


def test_several_and_standard_input_are_read_together(run: Run) -> None:
    document = reviewed(run, "--manifests", "k8s/web.yaml", "--manifests", "-", given=LISTED)
    assert {file for file, _ in lines(document, "EKR244")} == {"k8s/web.yaml", "standard input"}


def test_objects_and_a_template_are_one_cluster(run: Run, tmp_path: Path) -> None:
    (tmp_path / "eks.yaml").write_text(CLUSTER)
    document = reviewed(run, "--template", "eks.yaml", "--manifests", "k8s")
    (cluster,) = document.clusters
    assert {finding.cluster for finding in document.findings if finding.code == "EKR087"} == {cluster.id}


@pytest.mark.parametrize(("kind", "status"), [("fargate", "open"), ("auto-mode", "not_applicable")])
def test_the_kind_of_compute_decides_what_is_asked(run: Run, kind: str, status: str) -> None:
    """Fargate runs no privileged containers."""
    document = reviewed(run, "--manifests", "k8s/web.yaml", "--compute", kind)
    assert {finding.status for finding in document.findings if finding.code == "EKR099"} == {status}


def test_the_version_decides_which_kinds_there_are(run: Run, tmp_path: Path) -> None:
    (tmp_path / "flow.yaml").write_text(
        "apiVersion: flowcontrol.apiserver.k8s.io/v1beta3\nkind: FlowSchema\nmetadata: {name: a}\nspec:\n"
        "  priorityLevelConfiguration: {name: a}\n"
    )
    assert lines(reviewed(run, "--manifests", "flow.yaml", "--kubernetes-version", "1.31"), "EKR244") == set()
    assert lines(reviewed(run, "--manifests", "flow.yaml", "--kubernetes-version", "1.36"), "EKR244") == {
        ("flow.yaml", 1)
    }


def test_what_may_be_elsewhere_is_unknown(run: Run) -> None:
    """The Namespace was not read: a NetworkPolicy of it may exist."""
    document = reviewed(run, "--manifests", "k8s/web.yaml")
    assert {finding.status for finding in document.findings if finding.code == "EKR089"} == {"unknown"}


def test_a_baseline_of_manifests_is_compared(run: Run, tmp_path: Path) -> None:
    (tmp_path / "older.yaml").write_text(CHANGED)
    document = reviewed(run, "--manifests", "k8s/web.yaml", "--baseline", "older.yaml")
    assert document.baseline
    assert {finding.code for finding in document.baseline.opened} == {"EKR090"}


@pytest.mark.parametrize("format_", ["text", "md", "html", "json", "sarif"])
def test_every_format_is_written(run: Run, format_: str) -> None:
    done = run("review", "--manifests", "k8s", "--format", format_)
    assert done.code == 1
    assert "EKR244" in done.out
    if format_ == "sarif":
        places = [
            result["locations"][0]["physicalLocation"]
            for result in json.loads(done.out)["runs"][0]["results"]
            if result["ruleId"] == "EKR244"
        ]
        assert {place["region"]["startLine"] for place in places} == {5, 10}


def test_low_ones_are_folded(run: Run) -> None:
    done = run("review", "--manifests", "k8s")
    (line,) = [line for line in done.out.splitlines() if "EKR260" in line]
    assert line == "LOW EKR260 Root file systems are read-only: Deployment shop/web"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--manifests", "nowhere"], "nowhere: cannot be read: No such file or directory"),
        (["--manifests", "chart"], "chart: no Kubernetes object in it"),
        (["--manifests", "k8s", "--compute", "ec2"], "--compute ec2: is no kind of compute; one of auto_mode"),
        (["--manifests", "k8s", "--kubernetes-version", "1.2"], "--kubernetes-version 1.2: is none that EKS has"),
        (["--template", "k8s"], "For its Kubernetes objects alone: --manifests k8s"),
        (["--template", "eks.yaml", "--compute", "fargate"], "--compute and --kubernetes-version are for --manifests"),
    ],
)
def test_bad_input_is_one_line(run: Run, tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "eks.yaml").write_text(CLUSTER)
    (tmp_path / "chart/templates").mkdir(parents=True)
    (tmp_path / "chart/templates/web.yaml").write_text("kind: {{ .Values.kind }}\n  x: {{- end }}\n")
    done = run("review", *arguments)
    assert done.code == 2
    assert words in done.err
    assert len(done.err.strip().splitlines()) == 1
