"""Twenty clusters in three accounts and two regions, each account a local AWS of its own: where a failure stops, and how a second
run goes on.

The command is the one of `make deploy ENV=... WAVE=...`; in the place of the CDK CLI it starts, small stacks are deployed under the
names of the real ones, so that twenty take seconds. Clusters, gates and audits are the real ones.
"""

import configparser
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from emulator import process
from emulator.status import client
from fleet import __main__ as command
from fleet.gates import account_of
from fleet.loading import load_fleet
from fleet.model import Fleet, Member
from operations.environment import network_stacks, stacks_in_templates
from responsibility.account.errors import AccountError
from stacks.environment.stack_names import control_plane_stack, foundation_stack
from tests.emulator.deployment import Deployment, StackFailed
from tests.support.environments import minimal

pytestmark = [pytest.mark.whole, pytest.mark.xdist_group("emulator-fleet")]

ACCOUNTS = ("111111111111", "222222222222", "333333333333")
REGIONS = ("us-west-2", "eu-west-1")
CLUSTERS = 20


def name_of(index: int) -> str:
    """The name of an environment; the names are in the order of their numbers."""
    return f"e{index:02d}" if index < 100 else f"f{index}"


NAMES = [name_of(index) for index in range(CLUSTERS)]
BROKEN = "e04"
"""Of the second wave: CloudFormation refuses the stack of its control plane."""
Clouds = Mapping[tuple[str, str], Deployment]


@pytest.fixture(scope="module")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clouds]:
    """A local AWS for each account, bootstrapped in both regions."""
    homes = {account: tmp_path_factory.mktemp(account) / "home" for account in ACCOUNTS}
    made = {}
    try:
        for account, home in homes.items():
            engine = process.start(home, extra={"MINISTACK_ACCOUNT_ID": account})
            for region in REGIONS:
                made[account, region] = Deployment(engine, account, region)
                made[account, region].bootstrap()
        yield made
    finally:
        for home in homes.values():
            process.stop(home)


@pytest.fixture
def profiles(clouds: Clouds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile for each account, as a person has them; none for the shell."""
    config, keys = configparser.RawConfigParser(), configparser.RawConfigParser()
    for (account, _), cloud in clouds.items():
        config[f"profile in-{account}"] = {"endpoint_url": cloud.engine.url}
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


def write_fleet(folder: Path, clusters: int) -> Path:
    """Writes a fleet: a canary, five environments of the second wave, two waves of the rest."""
    for index in range(clusters):
        data = minimal()
        data |= {
            "name": name_of(index),
            "account": ACCOUNTS[index % len(ACCOUNTS)],
            "region": REGIONS[index % len(REGIONS)],
        }
        data["clusters"][0]["name"] = f"shop-{index}"
        data["clusters"][0]["control_plane"]["support"] = "STANDARD"
        (folder / f"{name_of(index)}.yaml").write_text(json.dumps(data))
    content = {
        "name": "many",
        "environments": ["e*.yaml", *(["f*.yaml"] if clusters > 100 else [])],
        "accounts": {one: {"bootstrap": list(REGIONS), "profile": f"in-{one}"} for one in ACCOUNTS},
        "gate": {"audit": "never", "time_limit_minutes": 1},
        "waves": [
            {"name": "canary", "environments": NAMES[:1]},
            {"name": "second", "environments": NAMES[1:6]},
            {"name": "third", "percent": 50},
            {"name": "last", "percent": 50},
        ],
    }
    path = folder / "many.yaml"
    path.write_text(json.dumps(content))
    return path


@dataclass
class Cdk:
    """The CDK CLI: it deploys small stacks under the names of the real ones by CloudFormation's API."""

    fleet: Fleet
    clouds: Clouds
    broken: str = ""
    changed: dict[str, int] = field(default_factory=dict)
    """How many resources changed, by environment, in the order of the deploys."""

    def __call__(self, words: Sequence[str], environment: Mapping[str, str]) -> int:
        member = next(one for _, one in self.fleet.members if str(one.path) == words[4])
        assert (environment["AWS_PROFILE"], environment["AWS_REGION"]) == (f"in-{member.account}", member.region)
        cloud, name = self.clouds[member.account, member.region], member.environment.name
        templates = templates_of(member)
        if words[3] == "diff":
            return int(not set(templates) <= set(cloud.states()))
        self.changed[name] = 0
        for stack, template in templates.items():
            if cloud.states().get(stack) == "ROLLBACK_COMPLETE":
                cloud.destroy(stack)  # as the CLI does before it creates one again
            if name == self.broken and "control-plane" in stack:
                template = {
                    "Resources": {**template["Resources"], "Broken": {"Type": "AWS::EC2::EIP", "Properties": {"No": 1}}}
                }
            try:
                self.changed[name] += len(cloud.deploy_stack(stack, template))
            except StackFailed:
                return 1
        return 0


def templates_of(member: Member) -> dict[str, dict[str, Any]]:
    environment = member.environment
    (cluster,) = environment.clusters
    control_plane = control_plane_stack(environment.name, cluster.name)
    names = [foundation_stack(environment.name), *network_stacks(environment), *stacks_in_templates(environment)]
    small = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}}}
    return dict.fromkeys(names, small) | {control_plane: {"Resources": a_cluster(cluster.name, member.region)}}


def a_cluster(name: str, region: str) -> dict[str, Any]:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "eks.amazonaws.com"},
                "Action": ["sts:AssumeRole", "sts:TagSession"],
            }
        ],
    }
    subnets = {
        f"Subnet{zone}": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "CidrBlock": f"10.0.{index}.0/24",
                "AvailabilityZone": f"{region}{zone}",
            },
        }
        for index, zone in enumerate("ab")
    }
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        **subnets,
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}},
        "Cluster": {
            "Type": "AWS::EKS::Cluster",
            "Properties": {
                "Name": name,
                "Version": "1.36",
                "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "ResourcesVpcConfig": {"SubnetIds": [{"Ref": one} for one in subnets]},
            },
        },
    }


def environments_in(clouds: Clouds) -> dict[str, tuple[str, str]]:
    """The environments that have a stack, and where."""
    return {
        stack.split("-")[0]: place
        for place, cloud in clouds.items()
        for stack in cloud.states()
        if stack != "CDKToolkit"
    }


@pytest.mark.usefixtures("profiles")
def test_a_failure_in_the_second_wave_leaves_the_third_alone_and_a_second_run_goes_on(
    clouds: Clouds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write_fleet(tmp_path, CLUSTERS)
    cdk = Cdk(load_fleet(path), clouds, broken=BROKEN)
    monkeypatch.setattr("delivery.subprocesses.through", cdk)

    def deploy(wave: str) -> tuple[int, str]:
        code = command.main(["deploy", str(path), "--wave", wave, "--", "cdk", "deploy", "--all"])
        return code, "".join(capfd.readouterr())

    code, said = deploy("all")
    assert code == 1, said
    assert "wave second: stopped: e04 failed (exit code 1); not begun in this wave: e05." in said
    assert "Nothing of third, last was touched." in said
    assert sorted(environments_in(clouds)) == NAMES[:5]
    code, said = deploy("third")
    assert code == 2, said
    assert "wave third may not begin before wave second is done: e04: " in said
    assert "e04-control-plane-shop-4" in said
    assert sorted(environments_in(clouds)) == NAMES[:5]

    cdk.broken, cdk.changed = "", {}
    code, said = deploy("all")
    assert code == 0, said
    assert list(cdk.changed) == NAMES
    assert [cdk.changed[name] for name in NAMES[:4]] == [0, 0, 0, 0], "what was done is not done again"
    assert all(cdk.changed[name] for name in NAMES[4:])
    places = environments_in(clouds)
    assert places == {name: (ACCOUNTS[i % 3], REGIONS[i % 2]) for i, name in enumerate(NAMES)}
    assert len(set(places.values())) == len(ACCOUNTS) * len(REGIONS)
    asked = {
        place: client(cloud.engine, "eks", cloud.region).list_clusters()["clusters"] for place, cloud in clouds.items()
    }
    assert sorted(name for names in asked.values() for name in names) == sorted(f"shop-{i}" for i in range(CLUSTERS))


def test_two_hundred_clusters_are_planned_in_order(tmp_path: Path) -> None:
    fleet = load_fleet(write_fleet(tmp_path, 200))
    assert [len(wave.members) for wave in fleet.waves] == [1, 5, 97, 97]
    names = [member.environment.name for _, member in fleet.members]
    assert len(set(names)) == 200


@pytest.mark.usefixtures("profiles")
def test_credentials_of_another_account_are_refused(tmp_path: Path) -> None:
    other = account_of(lambda _: f"in-{ACCOUNTS[1]}")
    first = next(member for _, member in load_fleet(write_fleet(tmp_path, CLUSTERS)).members)
    with pytest.raises(AccountError, match=r"e00: the credentials are of account 222222222222, .* is in 111111111111"):
        other(first)
