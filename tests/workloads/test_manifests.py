"""The Kubernetes objects of every environment, out of its templates and its files, under every check."""

import re

import pytest
import yaml

from kubernetes_lint.objects import KubernetesObject, at, name_of, pods
from tests.support.environments import ENVIRONMENTS, ROOT
from tests.workloads import checks
from tests.workloads.clusters import deployed

DELIVERIES = ("files", "kubectl")
OFFER = "an offer to a team's pods, by a label that they may wear"
ACCEPTED = {"NetworkPolicy guardrails-auto-mode/allow-tls-out: spec.podSelector: selects no pod": OFFER}
CASES = [pytest.param(name, marks=pytest.mark.xdist_group(f"manifests-{name}")) for name in ENVIRONMENTS]
SOURCES = sorted(path for path in (ROOT / "workloads").rglob("*.yaml"))


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("environment", CASES)
def test_objects_are_sound(environment: str, delivery: str) -> None:
    for cluster in deployed(environment, delivery):
        found = [problem for _, problem in checks.found(cluster.objects, cluster.version, cluster.elsewhere)]
        assert [problem for problem in found if problem not in ACCEPTED] == []


def test_what_is_accepted_is_still_there() -> None:
    (cluster,) = deployed("workloads")
    assert {problem for _, problem in checks.found(cluster.objects, cluster.version, cluster.elsewhere)} == set(
        ACCEPTED
    )


@pytest.mark.parametrize("environment", CASES)
def test_both_deliveries_bring_the_same_objects(environment: str) -> None:
    def by_name(objects: list[KubernetesObject]) -> dict[str, KubernetesObject]:
        return {name_of(item): item for item in objects}

    for files, kubectl in zip(*(deployed(environment, delivery) for delivery in DELIVERIES), strict=True):
        assert by_name(files.objects) == by_name(kubectl.objects)
        assert len(files.objects) == len(kubectl.objects)
        assert [(one["name"], one["namespace"], one["values"]) for one in files.charts] == [
            (one["name"], one["namespace"], one["values"]) for one in kubectl.charts
        ]


@pytest.mark.parametrize("environment", CASES)
def test_rendered_files_are_good_yaml(environment: str) -> None:
    for cluster in deployed(environment, "files"):
        found = {name: list(checks.lint_text(text)) for name, text in cluster.files.items()}
        assert {name: problems for name, problems in found.items() if problems} == {}


@pytest.mark.parametrize("environment", CASES)
def test_clusters_with_nodes_have_one_default_storage_class(environment: str) -> None:
    for cluster in deployed(environment, "files"):
        default = "storageclass.kubernetes.io/is-default-class"
        found = [one for one in cluster.objects if at(one, "metadata", "annotations", default) == "true"]
        assert len(found) == (0 if environment == "fargate" else 1)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sources_are_good_yaml(path) -> None:
    assert list(checks.lint_text(path.read_text())) == []


def test_images_are_those_of_the_list() -> None:
    data = yaml.safe_load((ROOT / "workloads/images.yaml").read_text())["images"]
    known = {f"{one['repository']}:{one['tag']}@{one['digest']}" for one in data.values()}
    clusters = [cluster for environment in ("workloads", "windows") for cluster in deployed(environment)]
    used = {container["image"] for one in clusters for pod in pods(one.objects) for container in pod.containers}
    assert used == known
    assert all(re.search(r"@sha256:[0-9a-f]{64}$", image) for image in known)
