"""Files of a workload's folder: read, known to be no objects, or refused by name; and what its placeholders are."""

import pytest

from delivery.placeholders import fill, placeholders, unescaped
from safe_io.errors import BadInput
from stacks.objects import folder as workload_folder
from tests.stacks.own_workloads import Workloads, namespace


@pytest.fixture
def workloads(tmp_path, monkeypatch):
    monkeypatch.setattr(workload_folder, "FOLDER", tmp_path)
    return Workloads(tmp_path)


def settings(name, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data or {"a": "b"}}


def names(objects):
    return {item["metadata"]["name"] for item in objects if item["kind"] == "ConfigMap"}


def test_objects_of_every_file_and_folder_are_read(workloads):
    workloads.write(
        "app",
        {
            "base/a.yaml": settings("a"),
            "base/b.yml": settings("b"),
            "base/c.json": '{\n\t"apiVersion": "v1", "kind": "ConfigMap",\n\t"metadata": {"name": "c"}}',
            "base/more/d.yaml": settings("d"),
            "base/more/again/e.yml": [settings("e"), settings("f")],
            "base/.hidden.yaml": settings("hidden"),
            "base/.git/config.yaml": settings("hidden-too"),
            "base/README.md": "# What it is",
            "large/more/a.yml": settings("a", size="large"),
            "NOTES.md": "",
        },
        variants={"large": {"what": "More of it"}},
    )
    objects = workloads.objects("app")
    assert names(objects) == set("abcdef")
    assert [one["data"] for one in objects if one["metadata"]["name"] == "a"] == [{"size": "large"}]


LOST = [
    # file, its text, what is said of it
    ("base/kustomization.yaml", "resources: [a.yaml]", "kustomization.yaml: is for kustomize.*kubectl kustomize"),
    ("base/more/Kustomization", "", "Kustomization: is for kustomize"),
    ("kustomization.yml", "", "kustomization.yml: is for kustomize"),
    ("base/Chart.yaml", "name: x", "Chart.yaml: is a Helm chart's.*helm template"),
    ("Chart.yaml", "name: x", "Chart.yaml: is a Helm chart's"),
    ("values.yaml", "a: b", "values.yaml: is a Helm chart's"),
    ("base/run.sh", "echo", "run.sh: is not a Kubernetes object by its name; .yaml, .yml, .json are read"),
    ("base/config.yaml.tpl", "a: b", "config.yaml.tpl: is not a Kubernetes object by its name"),
    ("base/config", "a: b", "base/config: is not a Kubernetes object by its name"),
    ("more/a.yaml", namespace("x"), "more: is not a variant; list it in variants"),
    ("a.yaml", namespace("x"), "a.yaml: is beside workload.yaml, where nothing reads it"),
    ("base/one.yaml", "{{- if .Values.on }}\na: b\n{{- end }}", "one.yaml:1: .*If it is a template of Helm"),
    ("base/one.yaml", "a: {{ .Values.a }}", "one.yaml:1: .*If it is a template of Helm"),
    ("base/list.yaml", {"apiVersion": "v1", "kind": "List", "items": [settings("a")]}, "is a list of objects"),
    ("base/words.json", '["a"]', "words.json:1: .*must be a Kubernetes object"),
    (
        "base/x.yaml",
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "x-"}},
        "metadata.name: is missing",
    ),
]


@pytest.mark.parametrize(("file", "content", "said"), LOST, ids=[f"{row[0]}-{index}" for index, row in enumerate(LOST)])
def test_a_file_that_is_not_read_is_refused_by_name(workloads, file, content, said):
    workloads.write("app", {file: content})
    with pytest.raises(BadInput, match=said):
        workloads.objects("app")


def test_files_that_are_not_read_are_told_at_once_and_links_are_not_followed(workloads, tmp_path):
    folder = workloads.write("app", {"base/a.txt": "", "base/more/b.sh": ""})
    (tmp_path / "elsewhere").mkdir()
    (folder / "base/linked").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput) as refusal:
        workloads.objects("app")
    lines = str(refusal.value).splitlines()
    assert [line.split(": ")[0].removeprefix(f"{folder}/base/") for line in lines] == ["a.txt", "linked", "more/b.sh"]
    assert "is a link to a folder" in lines[1]


@pytest.mark.parametrize(
    "files", [{"base/empty.yaml": "# nothing\n"}, {"base/README.md": ""}], ids=["comment", "readme"]
)
def test_a_workload_without_objects_is_refused(workloads, files):
    workloads.write("app", files, bare=True)
    with pytest.raises(BadInput, match="there is no Kubernetes object in base/"):
        workloads.objects("app")


def test_what_is_escaped_reaches_the_cluster_as_the_pod_reads_it(workloads):
    written = "https://$${K8S_NODE_NAME}:10250 $${NAMESPACE} ${NAMESPACE} ${lower} $PLAIN $(KUBERNETES) {{ .Go }}"
    workloads.write("app", [settings("a", url=written)])
    (found,) = [one for one in workloads.objects("app") if one["kind"] == "ConfigMap"]
    kept = "https://$${K8S_NODE_NAME}:10250 $${NAMESPACE} app-auto-mode ${lower} $PLAIN $(KUBERNETES) {{ .Go }}"
    assert found["data"]["url"] == kept
    assert placeholders(found) == set()
    assert unescaped(fill(found, {"K8S_NODE_NAME": "not ours", "NAMESPACE": "nor this"}))["data"][
        "url"
    ] == kept.replace("$$", "$")


def test_placeholders_that_nothing_fills_in_are_told_at_once_with_the_way_to_mean_them(workloads):
    workloads.write(
        "app",
        {
            "base/a.yaml": settings("a", one="${POD_IP}", two="x ${POD_IP} ${NODE_NAME}"),
            "base/b.yaml": settings("b", c="${BUCKET_NAME}"),
        },
    )
    with pytest.raises(BadInput) as refusal:
        workloads.objects("app")
    *lines, advice = str(refusal.value).splitlines()
    said = [
        ("a.yaml:6: data.one of ConfigMap a: ${POD_IP} is not filled in"),
        ("a.yaml:7: data.two of ConfigMap a: ${POD_IP} is not filled in"),
        ("a.yaml:7: data.two of ConfigMap a: ${NODE_NAME} is not filled in"),
        ("b.yaml:6: data.c of ConfigMap b: ${BUCKET_NAME} is filled in for workloads that need a bucket"),
    ]
    assert len(lines) == len(said)
    assert all(any(words in line for line in lines) for words in said)
    assert "AWS_REGION" in advice
    assert "$${NAME} reaches the cluster as ${NAME}" in advice


def test_a_placeholder_in_a_key_is_refused(workloads):
    workloads.write("app", [settings("a", **{"${AWS_REGION}": "x"})])
    with pytest.raises(BadInput, match="is a key, and placeholders are filled into values alone"):
        workloads.objects("app")
