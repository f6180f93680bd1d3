"""Waves over several accounts and regions, each a local AWS of its own: where a failure stops, and how a second run goes on."""

import configparser
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from emulator import process
from fleet.deploying import Deployer
from fleet.gates import account_of, audit_of, look_at
from fleet.loading import load_fleet
from fleet.model import Fleet
from responsibility.account.errors import AccountError
from safe_io.errors import BadInput
from tests.emulator.deployment import Deployment, StackFailed, stacks_of
from tests.support.environments import minimal
from tests.support.kept import kept
from tests.support.synth import build_platform

pytestmark = pytest.mark.xdist_group("emulator-fleet")

PLACES = (("111111111111", "us-west-2"), ("222222222222", "eu-west-1"))
"""The account and region of each local AWS that runs."""
PLANNED = 20
BROKEN = {"Type": "AWS::EC2::EIP", "Properties": {"Unknown": "property"}}


@pytest.fixture(scope="module")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Deployment]]:
    """A bootstrapped local AWS for each account, by its number."""
    homes = [tmp_path_factory.mktemp(account) / "home" for account, _ in PLACES]
    made = {}
    try:
        for home, (account, region) in zip(homes, PLACES, strict=True):
            extra = {"MINISTACK_ACCOUNT_ID": account, "MINISTACK_REGION": region}
            made[account] = Deployment(process.start(home, extra=extra), account, region)
            made[account].bootstrap()
        yield made
    finally:
        for home in homes:
            process.stop(home)


@pytest.fixture
def profiles(clouds: dict[str, Deployment], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile for each account, as a person has them; none for the shell."""
    config, keys = configparser.RawConfigParser(), configparser.RawConfigParser()
    for account, cloud in clouds.items():
        config[f"profile in-{account}"] = {"region": cloud.region, "endpoint_url": cloud.engine.url}
        identity, secret = cloud.engine.key
        keys[f"in-{account}"] = {"aws_access_key_id": identity, "aws_secret_access_key": secret}
    for name, content in (("AWS_CONFIG_FILE", config), ("AWS_SHARED_CREDENTIALS_FILE", keys)):
        path = tmp_path / name
        with path.open("w") as file:
            content.write(file)
        path.chmod(0o600)
        monkeypatch.setenv(name, str(path))
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """Twenty clusters: one is the canary, two are in the second wave, two in the third, and the rest is a plan."""
    for index in range(PLANNED):
        account, region = (
            PLACES[index % 2] if index < 5 else (f"{index % 3 + 3:012d}", ("eu-west-1", "us-west-2")[index % 2])
        )
        data = minimal()
        data |= {"name": f"e{index:02d}", "account": account, "region": region}
        data["clusters"][0]["name"] = f"shop-{index}"
        data["clusters"][0]["control_plane"]["support"] = "STANDARD"
        (tmp_path / f"e{index:02d}.yaml").write_text(json.dumps(data))
    accounts = {account: {"bootstrap": [region], "profile": f"in-{account}"} for account, region in PLACES}
    accounts |= {f"{number:012d}": {"bootstrap": ["eu-west-1", "us-west-2"]} for number in (3, 4, 5)}
    named = [["e00"], ["e01", "e02"], ["e03", "e04"]]
    waves: list[dict[str, Any]] = [
        {"name": f"wave-{index}", "environments": names} for index, names in enumerate(named, 1)
    ]
    waves.append({"name": "later", "percent": 100})
    content = {
        "name": "many",
        "environments": ["e*.yaml"],
        "accounts": accounts,
        "gate": {"audit": "never", "time_limit_minutes": 1},
        "waves": waves,
    }
    path = tmp_path / "many.yaml"
    path.write_text(json.dumps(content))
    return load_fleet(path)


@dataclass
class Cdk:
    """The CDK CLI of a deployer: it deploys by CloudFormation's API what a synth of the environment makes."""

    fleet: Fleet
    clouds: dict[str, Deployment]
    breaks: str = ""
    """The environment whose control plane's stack CloudFormation refuses."""
    changed: dict[str, int] = field(default_factory=dict)

    def __call__(self, command: Sequence[str], environment: dict[str, str]) -> int:
        member = next(one for _, one in self.fleet.members if str(one.path) == command[4])
        cloud = self.clouds[member.account]
        assert environment["AWS_PROFILE"] == f"in-{member.account}"
        assert environment["AWS_REGION"] == cloud.region
        made = self._assembly(member.environment)
        if command[3] == "diff":
            return int(not {name for name, _ in stacks_of(made)} <= set(cloud.states()))
        changed = 0
        cloud.publish(made)
        for name, template in stacks_of(made):
            if self.breaks == member.environment.name and "control-plane" in name:
                template = {**template, "Resources": {**template["Resources"], "Broken": BROKEN}}
            try:
                changed += len(cloud.deploy_stack(name, template))
            except StackFailed:
                return 1
        self.changed[member.environment.name] = changed
        return 0

    @staticmethod
    def _assembly(environment: Any) -> Path:
        def make(folder: Path) -> None:
            build_platform(environment, folder / "assembly", staging=True)

        return kept(f"of a fleet {environment.model_dump_json()}", make) / "assembly"


def deployer(fleet: Fleet, cdk: Cdk, say: Callable[[str], None]) -> Deployer:
    def profile(member: Any) -> str | None:
        return fleet.account_of(member).profile

    account, audit = account_of(profile), audit_of(profile, date.today(), lambda _: None)
    return Deployer(
        fleet,
        ["cdk", "deploy", "--all"],
        account_of=account,
        look=look_at(account, audit),
        run=cdk,
        ask=lambda _: "",
        say=say,
    )


def environments_in(clouds: dict[str, Deployment]) -> set[str]:
    return {name.split("-")[0] for cloud in clouds.values() for name in cloud.states() if name != "CDKToolkit"}


@pytest.mark.usefixtures("profiles")
def test_a_failure_in_the_second_wave_leaves_the_third_alone_and_a_second_run_goes_on(
    fleet: Fleet, clouds: dict[str, Deployment]
) -> None:
    assert len([member for _, member in fleet.members]) == PLANNED
    said: list[str] = []
    cdk = Cdk(fleet, clouds, breaks="e02")
    run = deployer(fleet, cdk, said.append)
    assert run.deploy("wave-1") == 0, said
    assert run.deploy("wave-2") == 1
    assert any("wave wave-2: stopped: e02 failed (exit code 1)." in line for line in said), said
    assert "Nothing of wave-3, later was touched." in said
    assert environments_in(clouds) == {"e00", "e01", "e02"}
    with pytest.raises(
        BadInput, match=r"wave wave-3 may not begin before wave wave-2 is done: e02: .*e02-control-plane-shop-2"
    ):
        run.deploy("wave-3")
    assert environments_in(clouds) == {"e00", "e01", "e02"}

    cdk.breaks, cdk.changed = "", {}
    broken = clouds[PLACES[0][0]]
    if broken.states().get("e02-control-plane-shop-2") == "ROLLBACK_COMPLETE":
        broken.destroy("e02-control-plane-shop-2")  # as the CDK CLI does before it creates one again
    assert run.deploy("wave-2") == 0, said
    assert cdk.changed["e01"] == 0, "what was done is not done again"
    assert cdk.changed["e02"] > 0
    assert run.deploy("wave-3") == 0, said
    assert environments_in(clouds) == {"e00", "e01", "e02", "e03", "e04"}
    assert {account: "e04-control-plane-shop-4" in cloud.states() for account, cloud in clouds.items()} == {
        PLACES[0][0]: True,
        PLACES[1][0]: False,
    }


@pytest.mark.usefixtures("profiles")
def test_credentials_of_another_account_are_refused(fleet: Fleet) -> None:
    other = account_of(lambda _: f"in-{PLACES[1][0]}")
    first = next(member for _, member in fleet.members)
    with pytest.raises(AccountError, match=r"e00: the credentials are of account 222222222222, .* is in 111111111111"):
        other(first)
