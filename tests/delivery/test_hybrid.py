"""`python -m delivery hybrid`: shows the step that people take, and takes none."""

import json
import shlex
from pathlib import Path

import pytest

from delivery.__main__ import main
from stacks.environment.stack_names import compute_stack

SITES = {
    "cluster": "c",
    "environment": "t",
    "region": "eu-west-1",
    "provider": "ssm",
    "role": "platform/t-c-hybrid-nodes",
    "activation_hours": 48,
    "outputs": {"role": "HybridNodesRoleArn"},
    "sites": {"berlin": {"max_nodes": 6, "nodes": []}, "porto": {"max_nodes": 2, "nodes": []}},
    "files": [],
}


def assembly(folder: Path, **fields: object) -> Path:
    place = folder / "hybrid/c"
    place.mkdir(parents=True)
    (place / "sites.json").write_text(json.dumps({**SITES, **fields}))
    return folder


def words(text: str) -> list[str]:
    return shlex.split(text.replace("\\\n", " "), comments=True)


def test_the_activation_is_for_one_site_and_one_cluster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hybrid", str(assembly(tmp_path)), "--site", "berlin"]) == 0
    command = words(capsys.readouterr().out)
    assert command[:3] == ["aws", "ssm", "create-activation"]
    options = dict(zip(command[3::2], command[4::2], strict=True))
    assert options["--iam-role"] == "platform/t-c-hybrid-nodes"
    assert options["--registration-limit"] == "6"
    assert options["--region"] == "eu-west-1"
    assert options["--expiration-date"] == "$(( $(date +%s) + 48 * 3600 ))"
    # By this tag the nodes' role may take them off Systems Manager again.
    assert options["--tags"].startswith("Key=EKSClusterARN,Value=arn:aws:eks:eu-west-1:")
    assert options["--tags"].endswith(":cluster/c")


def test_with_certificates_it_shows_where_the_values_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sites = {"berlin": {"max_nodes": 10, "nodes": ["node-1"]}}
    assert main(["hybrid", str(assembly(tmp_path, provider="iam-ra", activation_hours=None, sites=sites))]) == 0
    text = capsys.readouterr().out
    assert "node-1" in text
    command = words(text)
    assert command[:3] == ["aws", "cloudformation", "describe-stacks"]
    assert command[command.index("--stack-name") + 1] == compute_stack("t", "c")
    assert "HybridNodesRoleArn" in command[command.index("--query") + 1]


@pytest.mark.parametrize(
    ("arguments", "fields", "said"),
    [
        ([], {}, "there are several sites; choose with --site: berlin, porto"),
        (["--site", "rome"], {}, "there is no site rome; choose with --site: berlin, porto"),
        (["--cluster", "d"], {}, "there is no cluster d; choose with --cluster: c"),
        (["--site", "berlin"], {"role": "p" * 65}, "65 characters with its path"),
        (["--site", "berlin"], {"role": "x; rm -rf"}, "role: "),
        (["--site", "berlin"], {"provider": "none"}, "provider: "),
    ],
)
def test_what_it_cannot_show_is_said_in_one_line(
    arguments: list[str],
    fields: dict[str, object],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["hybrid", str(assembly(tmp_path, **fields)), *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert len(captured.err.strip().splitlines()) == 1


def test_an_assembly_without_hybrid_nodes_has_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hybrid", str(tmp_path)]) == 2
    assert "has no cluster with hybrid nodes" in capsys.readouterr().err


@pytest.mark.parametrize("provider", ["ssm", "iam-ra"])
def test_what_it_says_to_deploy_is_a_file_and_not_a_name(
    provider: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["hybrid", str(assembly(tmp_path, provider=provider)), "--site", "berlin"]) == 0
    assert "make deploy ENV=<file of t>." in capsys.readouterr().out
