"""The main job, as a person types it: the real CDK CLI deploys the demo, and says what is there."""

from pathlib import Path

import pytest

from emulator import cdk, kubeconfig, objects, process
from tests.emulator.comparison import differences
from tests.emulator.deployment import Deployment, stacks_of
from tests.emulator.programs import command, processes_of

pytestmark = [pytest.mark.whole, pytest.mark.xdist_group("emulator-process")]


def test_make_demo(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str) -> str:
        done = command(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    said = run("demo")
    for part in (
        "demo-foundation", "demo-network", "demo-control-plane-demo", "demo-access-demo", "demo-compute-demo",
        "Cluster demo: Kubernetes 1.36, ACTIVE, private endpoint",
        "Auto Mode      built-in pools: general-purpose, system",
        "managed nodes  ACTIVE, 1 to 3 t4g.large",
        "Fargate        ACTIVE, pods of fargate-*",
        "all ACTIVE: aws-ebs-csi-driver, coredns",
        "AmazonEKSClusterAdminPolicy: demo-access-demo-AccessAdminRole",
        "Your share of the responsibility:",
        f"the page: {home}/review.html",
        "What this does not prove",
    ):  # fmt: skip
        assert part in said
    assert (home / "review.html").stat().st_size > 100_000
    engine = process.find(home)
    assert engine
    found = [
        one
        for stack, template in stacks_of(home / "cdk.out")
        for one in differences(Deployment(engine), stack, template)
    ]
    assert found == []

    cdk.deploy(engine, home / "cdk.out")
    assert sorted(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()) == sorted(
        [stack, "no change"] for stack, _ in stacks_of(home / "cdk.out")
    )
    assert any("lambda" in one for one in processes_of(home))
    run("down")
    assert processes_of(home) == []
    assert list(home.parent.iterdir()) == []


def test_a_name_that_is_wrong_starts_nothing(home: Path) -> None:
    done = command("demo", "--env=nope")
    assert done.returncode == 2
    assert done.stderr.startswith('There is no environment "nope"')
    assert not done.stdout
    assert not home.exists()


@pytest.mark.parametrize(
    ("switch", "here", "words"),
    [
        ("off", True, "EMULATOR_KUBERNETES=off leaves the local Kubernetes out"),
        ("", True, "no cluster has a Kubernetes version whose programs are on this machine"),
        ("", False, "the programs of a local Kubernetes are not on this machine"),
    ],
)
def test_why_there_are_no_pods(monkeypatch: pytest.MonkeyPatch, switch: str, here: bool, words: str) -> None:
    monkeypatch.setenv("EMULATOR_KUBERNETES", switch)
    monkeypatch.setattr(kubeconfig, "complete", lambda _: here)
    assert words in objects._without()
