"""`lock-addons`, from an assembly over HTTP to the lock file that a synth takes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from responsibility.account.environment import environment_file, lock_file
from responsibility.account.lock import Request
from responsibility.reading.template import BadSource
from safe_io.ownership import OutputProblem
from tests.responsibility.account.fake_eks import FakeEks, offer, run
from tests.responsibility.account.lock_case import ADDONS, DAY, endpoint, locked, template
from tests.support.environments import ENVIRONMENTS, ROOT, environment_data
from tests.support.synth import assembled, build_platform
from tests.support.templates import of_type


@pytest.fixture
def eks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeEks]:
    with endpoint(monkeypatch, tmp_path) as fake:
        yield fake


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`cdk.out` of the environment demo."""
    folder = tmp_path_factory.mktemp("lock") / "cdk.out"
    return assembled("demo").copy(folder)


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """A copy of environments/demo.yaml, to have a lock file beside it."""
    file = tmp_path / "demo.yaml"
    file.write_text((ROOT / "environments/demo.yaml").read_text())
    return file


def test_a_synth_takes_what_was_locked(
    eks: FakeEks, assembly: Path, demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from stacks.environment.loading import load_environment, load_lock

    assert run(monkeypatch, "lock-addons", "--env", demo, "--assembly", assembly) == 0
    printed = capsys.readouterr()
    assert "7 add-on versions (EKS in eu-west-1)" in printed.out
    assert "1.36 vpc-cni: new → v1.96.9-eksbuild.2" in printed.out
    assert "was changed after" in printed.err  # the copy is younger than the assembly

    taken = load_lock(demo)
    assert taken is not None
    assert list(taken.addons["1.36"]) == ADDONS
    build_platform(load_environment(demo, today=DAY), tmp_path / "again", lock=taken)
    made = json.loads((tmp_path / "again/demo-compute-demo.template.json").read_text())
    versions = {one["AddonName"]: one["AddonVersion"] for one in of_type(made, "AWS::EKS::Addon").values()}
    assert versions == {name: f"v1.9{number}.9-eksbuild.2" for number, name in enumerate(ADDONS)}
    assert eks.regions == {"eu-west-1"}

    # Again, from the assembly that has these versions: nothing to say, nothing to write.
    lock_path = demo.with_name("demo.lock.yaml")
    before = lock_path.stat()
    assert run(monkeypatch, "lock-addons", "--env", demo, "--assembly", tmp_path / "again") == 0
    printed = capsys.readouterr()
    assert "unchanged, 7 add-on versions" in printed.out
    assert not printed.err
    assert lock_path.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.usefixtures("eks")
def test_the_add_ons_of_a_joined_cluster_are_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from stacks.environment.loading import load_environment, load_lock

    for name in ("join.yaml", "shop.yaml"):
        (tmp_path / name).write_text((ROOT / "environments/existing" / name).read_text())
    file, made = tmp_path / "join.yaml", tmp_path / "made"
    build_platform(load_environment(file, today=DAY), made)
    assert run(monkeypatch, "lock-addons", "--env", file, "--assembly", made) == 0, capsys.readouterr()
    assert "1.36 vpc-cni: new → v1.96.9-eksbuild.2" in capsys.readouterr().out
    taken = load_lock(file)
    assert taken is not None
    assert set(taken.addons) == {"1.36"}
    # A look-up after an upgrade is another version than the assembly has.
    looked_up = tmp_path / "shop.yaml"
    looked_up.write_text(looked_up.read_text().replace("1.36", "1.37"))
    assert run(monkeypatch, "lock-addons", "--env", file, "--assembly", made) == 2
    assert "join-compute-shop has Kubernetes 1.36 there, 1.37 here" in capsys.readouterr().err


def test_the_file_is_sorted_and_says_where_it_comes_from(eks: FakeEks, tmp_path: Path) -> None:
    eks.addons["coredns"].append(offer("v1.0.0-eksbuild.1", "1.9", default=True))
    assembly = template(
        tmp_path,
        {"version": "1.36", "kinds": ["Nodegroup"], "addons": {"vpc-cni": "", "coredns": ""}},
        {"version": "1.9", "kinds": ["Nodegroup"], "addons": {"coredns": ""}},
    )
    file = tmp_path / "x.lock.yaml"
    locked(Request(assembly=assembly, output=file, latest=True, region="eu-central-2"))
    first, *rest = file.read_text().splitlines()
    assert first == (
        f"# Written by `python -m responsibility lock-addons --assembly {assembly} --output {file} --latest` on 2026-11-24,"
        " as EKS answered in eu-central-2: the latest version of each add-on."
    )
    assert rest == [
        "addons:",
        '  "1.9":',
        "    coredns: v1.0.0-eksbuild.1",
        '  "1.36":',
        "    coredns: v1.91.10-eksbuild.1",
        "    vpc-cni: v1.96.10-eksbuild.1",
    ]


@pytest.mark.usefixtures("eks")
def test_what_changed_is_printed(tmp_path: Path) -> None:
    file = tmp_path / "x.lock.yaml"
    file.write_text('addons: {"1.35": {coredns: v1.0.0-eksbuild.1}, "1.36": {coredns: v1.0.0-eksbuild.1}}\n')
    assembly = template(tmp_path, {"kinds": ["Nodegroup"], "addons": {"coredns": "", "vpc-cni": ""}})
    said, _ = locked(Request(assembly=assembly, output=file))
    assert said[1:4] == [
        "  1.35 coredns: v1.0.0-eksbuild.1 → no longer planned",
        "  1.36 coredns: v1.0.0-eksbuild.1 → v1.91.9-eksbuild.2",
        "  1.36 vpc-cni: new → v1.96.9-eksbuild.2",
    ]


@pytest.mark.usefixtures("eks")
def test_a_version_in_the_environment_goes_first(tmp_path: Path) -> None:
    assembly = template(tmp_path, {"kinds": ["Nodegroup"], "addons": {"coredns": "v1.0.7-eksbuild.7"}})
    _, warned = locked(Request(assembly=assembly, output=tmp_path / "x.lock.yaml"))
    assert "the assembly has v1.0.7-eksbuild.7" in warned[0]
    assert "addons.coredns.version" in warned[0]


def test_the_region_of_the_environment_is_asked(eks: FakeEks, tmp_path: Path) -> None:
    data = environment_data("demo")
    data["region"] = "eu-north-1"
    assembled(data).copy(tmp_path / "cdk.out")
    file = tmp_path / "x.lock.yaml"
    locked(Request(assembly=str(tmp_path / "cdk.out"), output=file))
    assert eks.regions == {"eu-north-1"}
    locked(Request(assembly=str(tmp_path / "cdk.out"), output=file, region="us-west-2"))
    assert eks.regions == {"eu-north-1", "us-west-2"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda text: text.replace("name: demo\ntags", "name: other\ntags"),
            "those of other are other-control-plane-demo",
        ),
        (lambda text: text.replace('"1.36"', '"1.37"'), "demo-control-plane-demo has Kubernetes 1.36 there, 1.37 here"),
        (lambda text: text.replace("clusters:", "clustres:"), "is not an environment file"),
        (lambda text: text + "  - [", "is not YAML"),
    ],
)
def test_an_assembly_of_another_environment(
    eks: FakeEks, assembly: Path, demo: Path, change: Any, words: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    demo.write_text(change(demo.read_text()))
    assert run(monkeypatch, "lock-addons", "--env", demo, "--assembly", assembly) == 2
    assert words in capsys.readouterr().err
    assert not demo.with_name("demo.lock.yaml").exists()
    assert not eks.asked


def test_the_settings_of_each_version_are_locked_without_their_words(eks: FakeEks, tmp_path: Path) -> None:
    eks.settings["coredns"] = {
        "title": "Coredns",
        "type": "object",
        "properties": {"title": {"type": "string", "default": "a", "description": "b"}},
    }
    assembly = template(tmp_path, {"kinds": ["Nodegroup"], "addons": {"coredns": "", "vpc-cni": ""}})
    file = tmp_path / "x.lock.yaml"
    said, _ = locked(Request(assembly=assembly, output=file))
    assert any("settings of coredns" in line for line in said)
    (schema,) = yaml.safe_load(file.read_text())["settings"]["coredns"].values()
    assert json.loads(schema) == {"type": "object", "properties": {"title": {"type": "string"}}}
    said, _ = locked(Request(assembly=assembly, output=file))
    assert "unchanged" in said[0]


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        ({}, "has no EKS cluster"),
        ({"C": ("Cluster", {"Name": "c"})}, "names no Kubernetes version"),
        ({"C": ("Cluster", {"Name": "c", "Version": {"Fn::ImportValue": "x"}})}, "Kubernetes version is not known"),
        (
            {name: ("Cluster", {"Name": name, "Version": "1.36"}) for name in "CD"}
            | {"A": ("Addon", {"AddonName": "coredns", "ClusterName": "e"})},
            "does not say of which cluster these add-ons are: coredns",
        ),
    ],
)
@pytest.mark.usefixtures("eks")
def test_an_assembly_that_does_not_say(tmp_path: Path, resource: Any, words: str) -> None:
    file = tmp_path / "template.json"
    resources = {key: {"Type": f"AWS::EKS::{kind}", "Properties": value} for key, (kind, value) in resource.items()}
    file.write_text(json.dumps({"Resources": resources}))
    with pytest.raises(BadSource, match=words):
        locked(Request(assembly=str(file), output=tmp_path / "x.lock.yaml"))


@pytest.mark.parametrize(
    "content", ["name: demo\n", "addons: [1]\n", "addons: {1.36: [x]}\n", "<<<<<<< HEAD\naddons:\n", ""]
)
def test_a_file_that_is_no_lock_file_is_not_replaced(eks: FakeEks, tmp_path: Path, content: str) -> None:
    file = tmp_path / "x.lock.yaml"
    file.write_text(content)
    assembly = template(tmp_path, {"kinds": ["Nodegroup"], "addons": {"coredns": ""}})
    with pytest.raises(BadSource, match=re.escape(str(file))):
        locked(Request(assembly=assembly, output=file))
    assert file.read_text() == content
    assert not eks.asked


def test_bad_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    for arguments, words in {
        (): "Say which environment",
        ("--env", "demmo"): f"There is: {', '.join(ENVIRONMENTS)}",
        ("--env", "demo", "--assembly", tmp_path / "none"): "Make it with `make synth ENV=demo CHECKS=off`",
    }.items():
        assert run(monkeypatch, "lock-addons", *arguments) == 2
        assert words in capsys.readouterr().err


@pytest.mark.usefixtures("eks")
def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    assembly = template(tmp_path, {"kinds": ["Nodegroup"], "addons": {"coredns": ""}})
    with pytest.raises(OutputProblem, match="cannot be written"):
        locked(Request(assembly=assembly, output=tmp_path / "none/x.lock.yaml"))


@pytest.mark.usefixtures("eks")
def test_nothing_planned(tmp_path: Path) -> None:
    assembly = template(tmp_path, {"kinds": ["Nodegroup"], "addons": {}})
    file = tmp_path / "x.lock.yaml"
    said, _ = locked(Request(assembly=assembly, output=file))
    assert "nothing to lock" in said[0]
    assert not file.exists()
    file.write_text('addons: {"1.36": {coredns: v1.0.0-eksbuild.1}}\n')
    locked(Request(assembly=assembly, output=file))
    assert yaml.safe_load(file.read_text()) == {"addons": {}}


def test_where_the_files_of_an_environment_stand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    assert str(environment_file("demo")) == "environments/demo.yaml"
    assert str(lock_file(environment_file("demo"))) == "environments/demo.lock.yaml"
    monkeypatch.chdir(tmp_path)
    assert environment_file("demo") == ROOT / "environments/demo.yaml"
