"""`make deploy ENV=FLEET WAVE=...`: order, gates, approvals, where it stops, and how it goes on."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from fleet.access import lookup_profile
from fleet.deploying import Deployer
from fleet.gates import GateShut, judged, look_at, stacks_not_complete, wait
from fleet.loading import load_fleet
from fleet.model import Fleet, Member
from fleet.wave_spec import GateSpec
from responsibility.account.errors import AccountError
from safe_io.errors import BadInput
from tests.operations.fake_account import FakeAccount, stack
from tests.support.environments import TODAY

HERE = Path(__file__).parent
COMMAND = ["cdk", "deploy", "--all", "--require-approval", "never"]
STACKS = (
    "foundation",
    "network",
    "egress",
    "control-plane-shop",
    "access-shop",
    "protection-shop",
    "compute-shop",
    "workloads-shop",
)


def fleet_of(tmp_path: Path, **approvals: str) -> Fleet:
    """Three waves with an environment each, but for the second one, which has two."""
    text = (HERE / "good.yaml").read_text().replace("- environments/", f"- {HERE}/environments/")
    text = text.replace("  - name: rest", "      - us-east-2\n  - name: rest").replace(
        "regions: [eu-west-1]", "regions:\n      - eu-west-1"
    )
    text = text.replace("environments/us.yaml", f"environments/us.yaml\n  - {HERE}/environments/ap.yaml")
    text = text.replace(
        "bootstrap: [eu-west-1, us-east-2]",
        "bootstrap: [eu-west-1, us-east-2, ap-southeast-2]\n    profile: production",
    )
    for wave, by in approvals.items():
        text = text.replace(f"name: {wave}\n", f"name: {wave}\n    approval: {{by: [{by}]}}\n")
    path = tmp_path / "fleet.yaml"
    path.write_text(text)
    return load_fleet(path, today=TODAY)


class World:
    """Accounts, the CDK and a person, for a deployer."""

    def __init__(
        self, fleet: Fleet, *, fails: str = "", differs: str = "", answer: str = "", version: str | None = None
    ) -> None:
        self.fleet, self.fails, self.differs, self.answer, self.version = fleet, fails, differs, answer, version
        self.lookup: Callable[[Member], str] | None = None
        self.done: list[str] = []
        self.ran: list[tuple[str, str]] = []
        self.environments: dict[str, dict[str, str]] = {}
        self.commands: dict[str, list[str]] = {}
        self.said: list[str] = []
        self.asked: list[str] = []
        self.waited: list[tuple[str, ...]] = []
        self.shut: dict[str, list[str]] = {}

    def deploy(self, wave: str, **options: Any) -> int:
        return self._deployer().deploy(wave, wait_for_gate=self._wait, **options)

    def deploy_one(self, wave: str, name: str) -> int:
        return self._deployer().deploy_one(wave, name)

    def _deployer(self) -> Deployer:
        return Deployer(
            self.fleet,
            COMMAND,
            account_of=self._account,
            look=self._look,
            run=self._run,
            ask=self._ask,
            say=self.said.append,
            lookup_profile=self.lookup,
        )

    def _account(self, _member: Member) -> Any:
        there = {"version": self.version} if self.version else AccountError("no cluster", "ResourceNotFoundException")
        return FakeAccount({"describe_cluster": there})

    def _look(self, member: Member, _gate: GateSpec) -> list[str]:
        name = member.environment.name
        return self.shut.get(name, [] if name in self.done else ["stack x is not there"])

    def _run(self, command: Sequence[str], environment: dict[str, str]) -> int:
        action, name = command[3], Path(command[4]).stem
        self.ran.append((action, name))
        self.commands[name], self.environments[name] = list(command), environment
        if action == "diff":
            return int(name == self.differs)
        if name == self.fails:
            return 1
        self.done.append(name)
        return 0

    def _ask(self, question: str) -> str:
        self.asked.append(question)
        return self.answer

    def _wait(self, members: Sequence[Member], gate: GateSpec, look: Callable[..., list[str]], **_: object) -> None:
        self.waited.append(tuple(one.environment.name for one in members))
        if shut := [one for member in members for one in look(member, gate)]:
            raise GateShut("; ".join(shut))


def test_every_wave_waits_for_the_gate_of_the_one_before(tmp_path: Path) -> None:
    world = World(fleet_of(tmp_path))
    assert world.deploy("all") == 0
    assert world.ran == [("deploy", name) for name in ("dev", "eu", "us", "ap")]
    assert world.waited == [("dev",), ("eu", "us"), ("ap",)]


def test_an_environment_is_deployed_by_the_operations_that_one_alone_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-shell")
    world = World(fleet_of(tmp_path))
    world.deploy("all")
    path = f"{HERE}/environments/eu.yaml"
    assert world.commands["eu"][1:] == ["-m", "operations", "deploy", path, "--", *COMMAND, "-c", f"env={path}"]
    assert (world.environments["eu"]["AWS_REGION"], world.environments["eu"]["AWS_PROFILE"]) == (
        "eu-west-1",
        "production",
    )
    assert "AWS_ACCESS_KEY_ID" not in world.environments["eu"], "it would go before the profile"
    assert world.environments["dev"]["AWS_ACCESS_KEY_ID"] == "of-the-shell"


def test_an_engine_reads_by_the_lookup_role_and_leaves_its_own_credentials_to_the_cdk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-engine")
    world = World(fleet_of(tmp_path), version="1.35")
    world.lookup = lookup_profile
    assert world.deploy_one("europe", "us") == 0
    assert world.ran == [("deploy", "us")]
    given = world.environments["us"]
    assert given["EKS_PLATFORM_LOOKUP_PROFILE"] == "fleet-444455556666-us-east-2"
    assert (given["AWS_ACCESS_KEY_ID"], "AWS_PROFILE" in given) == ("of-the-engine", "AWS_PROFILE" in os.environ)
    with pytest.raises(BadInput, match=r"--only ap: wave europe has no such environment\. It has: eu, us"):
        world.deploy_one("europe", "ap")
    world.version = "1.34"
    with pytest.raises(BadInput, match=r"set 1\.35 first"):
        world.deploy_one("europe", "us")


def test_a_failure_stops_it_is_named_and_a_second_run_goes_on(tmp_path: Path) -> None:
    world = World(fleet_of(tmp_path), fails="us")
    assert world.deploy("all") == 1
    assert world.ran == [("deploy", name) for name in ("dev", "eu", "us")]
    assert "wave europe: stopped: us failed (exit code 1)." in world.said
    assert "Nothing of rest was touched." in world.said
    world.fails, world.ran = "", []
    assert world.deploy("europe") == 0
    assert world.ran == [("diff", "dev"), ("deploy", "eu"), ("deploy", "us")]
    assert world.deploy("rest") == 0
    assert world.ran[-1] == ("deploy", "ap")


def test_a_failure_names_what_was_not_begun_in_its_wave(tmp_path: Path) -> None:
    world = World(fleet_of(tmp_path), fails="eu")
    assert world.deploy("all") == 1
    assert "wave europe: stopped: eu failed (exit code 1); not begun in this wave: us." in world.said


def test_no_wave_begins_before_those_before_it_are_done(tmp_path: Path) -> None:
    world = World(fleet_of(tmp_path))
    with pytest.raises(
        BadInput,
        match=r"wave rest may not begin before wave canary is done: dev: stack x is not there.*Nothing was changed",
    ):
        world.deploy("rest")
    world.done, world.differs = ["dev", "eu", "us"], "us"
    with pytest.raises(BadInput, match=r"before wave europe is done: us: what is deployed differs from its files"):
        world.deploy("rest")
    assert [action for action, _ in world.ran] == ["diff"] * 3
    assert world.commands["us"][-6:-2] == ["never", "--fail", "--method", "template"]
    world.differs = ""
    assert world.deploy("rest") == 0


def test_a_gate_that_stays_shut_stops_it(tmp_path: Path) -> None:
    world = World(fleet_of(tmp_path))
    world.shut = {"dev": ["EKR129 insight kubelet: ERROR"]}
    assert world.deploy("all") == 1
    assert world.ran == [("deploy", "dev")]
    assert "wave canary: stopped: its gate is shut: EKR129 insight kubelet: ERROR." in world.said
    assert "Nothing of europe, rest was touched." in world.said


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("yes", 0), ("n", 1), ("", 1)])
def test_a_wave_begins_when_somebody_approves_it(tmp_path: Path, answer: str, code: int) -> None:
    world = World(fleet_of(tmp_path, canary="lead"), answer=answer)
    assert world.deploy("canary") == code
    assert world.asked == ["Wave canary needs the approval of lead. Approved? (y/n) "]
    assert len(world.ran) == 1 - code


def test_an_approval_that_was_given_elsewhere_is_not_asked_again(tmp_path: Path) -> None:
    world = World(fleet_of(tmp_path, canary="lead"))
    assert world.deploy("canary", approved=True) == 0
    assert world.asked == []


def test_a_cluster_goes_up_by_one_version(tmp_path: Path) -> None:
    world = World(fleet_of(tmp_path), version="1.34")
    with pytest.raises(
        BadInput,
        match=r"dev: cluster shop runs Kubernetes 1\.34 and its file says 1\.36.*set 1\.35 first\. Nothing was",
    ):
        world.deploy("all")
    assert world.ran == []
    assert World(fleet_of(tmp_path), version="1.35").deploy("canary") == 0


def test_a_wave_that_there_is_not_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        BadInput, match=r"WAVE=europa: .* has no such wave\. Did you mean europe\? There is: canary, europe, rest"
    ):
        World(fleet_of(tmp_path)).deploy("europa")


# --- gates


def dev(tmp_path: Path) -> Member:
    return next(member for _, member in fleet_of(tmp_path).members)


def stacks(**states: str) -> dict[str, Any]:
    there = [
        stack(f"dev-{name}", states.get(name.replace("-", "_"), "UPDATE_COMPLETE"), environment="dev")
        for name in STACKS
    ]
    return {"describe_stacks": there, "describe_cluster": {"version": "1.36"}}


def test_a_gate_reads_cloudformation(tmp_path: Path) -> None:
    member = dev(tmp_path)
    assert list(stacks_not_complete(member, FakeAccount(stacks()))) == []
    for state in ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_IN_PROGRESS", "ROLLBACK_COMPLETE", "UPDATE_FAILED"):
        found = list(stacks_not_complete(member, FakeAccount(stacks(control_plane_shop=state))))
        assert found == [f"stack dev-control-plane-shop is {state}"]
    assert "stack dev-foundation is not there" in list(stacks_not_complete(member, FakeAccount({})))


def finding(code: str, status: str) -> Any:
    from responsibility.findings import Finding

    return Finding(code=code, status=status, subject="cluster shop", detail="words", cluster="account/cluster/shop")  # type: ignore[arg-type]


def document(*findings: Any) -> Any:
    from types import SimpleNamespace

    checks = [
        SimpleNamespace(code=code, severity=severity)
        for code, severity in (("EKR001", "high"), ("EKR002", "low"), ("EKR129", "high"))
    ]
    clusters = [SimpleNamespace(id="account/cluster/shop", name="shop")]
    return SimpleNamespace(checks=checks, findings=list(findings), clusters=clusters)


SEEN = ("EKR129", "met")
"""EKS has an upgrade insight of the cluster."""


@pytest.mark.parametrize(
    ("code", "status", "gate", "shut"),
    [
        ("EKR001", "open", {}, True),
        ("EKR002", "open", {}, False),
        ("EKR002", "open", {"audit": "low"}, True),
        ("EKR001", "open", {"audit": "critical"}, False),
        ("EKR001", "open", {"audit": "never"}, False),
        ("EKR001", "unknown", {}, False),
        ("EKR124", "open", {"audit": "never"}, True),
        ("EKR125", "unknown", {"audit": "never"}, True),
        ("EKR125", "not_applicable", {"audit": "never"}, True),
        ("EKR001", "not_applicable", {}, False),
        ("EKR129", "open", {"audit": "never"}, True),
        ("EKR129", "unknown", {"audit": "never"}, True),
        ("EKR129", "open", {"audit": "high", "insights": False}, False),
    ],
)
def test_a_gate_reads_the_audit(code: str, status: str, gate: dict[str, Any], shut: bool) -> None:
    found = list(judged(document(finding(*SEEN), finding(code, status)), GateSpec(**gate), ["shop"]))
    assert found == ([f"{code} cluster shop: words"] if shut else [])


@pytest.mark.parametrize(
    ("findings", "insights", "shut"),
    [
        ([], True, True),
        ([("EKR124", "met")], True, True),
        ([], False, False),
        ([("EKR130", "open")], True, False),
        ([("EKR129", "met")], True, False),
    ],
)
def test_a_gate_without_an_insight_to_read_says_so_and_stays_shut(
    findings: list[tuple[str, str]], insights: bool, shut: bool
) -> None:
    seen = document(*(finding(*one) for one in findings))
    found = list(judged(seen, GateSpec(audit="never", insights=insights), ["shop"]))
    assert [one.startswith("EKS has no upgrade insight of cluster shop yet") for one in found] == [True] * shut


def test_a_gate_says_once_what_the_audit_could_not_see(tmp_path: Path) -> None:
    said: list[str] = []
    seen = document(finding(*SEEN), finding("EKR001", "unknown"), finding("EKR002", "unknown"))
    look = look_at(lambda _: FakeAccount(stacks()), lambda _: seen, said.append)
    member = dev(tmp_path)
    assert [look(member, GateSpec()), look(member, GateSpec())] == [[], []]
    assert said == ["dev: the audit could not see EKR001: the gate does not answer for them (docs/audit.md)"]


def test_an_audit_is_made_of_what_is_complete(tmp_path: Path) -> None:
    audited: list[str] = []

    def audit(member: Member) -> Any:
        audited.append(member.environment.name)
        return document(finding(*SEEN))

    answers = stacks(foundation="CREATE_FAILED")
    look = look_at(lambda _: FakeAccount(answers), audit, lambda _: None)
    assert look(dev(tmp_path), GateSpec()) == ["stack dev-foundation is CREATE_FAILED"]
    assert audited == []
    answers |= stacks()
    assert look(dev(tmp_path), GateSpec()) == []
    assert audited == ["dev"]
    answers["describe_cluster"] = {"version": "1.35"}
    assert look(dev(tmp_path), GateSpec()) == ["cluster shop runs 1.35; its file says 1.36"]


class Clock:
    """Time that passes while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def waited(tmp_path: Path, answers: Iterator[list[str] | AccountError], **gate: Any) -> tuple[float, list[str]]:
    clock, said = Clock(), list[str]()

    def look(_member: Member, _gate: GateSpec) -> list[str]:
        found = next(answers)
        if isinstance(found, AccountError):
            raise found
        return found

    wait([dev(tmp_path)], GateSpec(**gate), look, say=said.append, clock=clock, sleep=clock.sleep)
    return clock.now, said


def test_a_gate_opens_when_everything_holds(tmp_path: Path) -> None:
    throttled = AccountError("eks:DescribeCluster: throttled", "ThrottlingException")
    assert waited(tmp_path, iter([["x is y"], throttled, []])) == (
        60.0,
        ["the gate is shut: dev: x is y", "the gate is shut: dev: eks:DescribeCluster: throttled"],
    )


def test_it_has_to_hold_for_the_soak_time(tmp_path: Path) -> None:
    def answers() -> Iterator[list[str]]:
        yield from ([], [], ["x is y"])
        while True:
            yield []

    now, _ = waited(tmp_path, answers(), soak_minutes=2)
    assert now == 3 * 30 + 120, "a moment in which it does not hold begins it anew"


def test_a_gate_that_is_shut_ends_with_its_time_limit(tmp_path: Path) -> None:
    def never() -> Iterator[list[str]]:
        while True:
            yield ["x is y"]

    with pytest.raises(GateShut, match=r"dev: x is y \(after 5 minutes, the gate's time limit\)"):
        waited(tmp_path, never(), time_limit_minutes=5)


def test_without_credentials_nobody_waits(tmp_path: Path) -> None:
    with pytest.raises(AccountError, match="Sign in"):
        waited(tmp_path, iter([AccountError("sts:GetCallerIdentity: there are no credentials. Sign in")]))
