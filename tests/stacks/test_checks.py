"""The checks of every synth: nothing unacknowledged in any environment, and no acknowledgement without a finding."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from stacks.synth_checks.acknowledgements import ACKNOWLEDGED
from tests.support.environments import ENVIRONMENTS, NODES, ROOT, minimal
from tests.support.kept import kept

# What the shipped environments do not have, so that every acknowledgement is seen at work.
OTHERS = {
    "nodes": {
        **minimal(
            {
                "managed_nodes": {**NODES, "session_manager": True},
                "self_managed_nodes": {
                    "groups": [{"name": "own", "instance_types": ["m7i.large"]}],
                    "session_manager": True,
                },
                "karpenter": {"node_pools": [{"name": "more"}], "session_manager": True},
            },
            delivery="kubectl",
            backup={"buckets": True},
            control_plane={"kubernetes_version": "1.36", "ip_family": "ipv6"},
            addons={
                one: {"enabled": True}
                for one in (
                    *("aws-efs-csi-driver", "external-dns", "amazon-cloudwatch-observability"),
                    *("cert-manager", "aws-privateca-connector-for-kubernetes"),
                )
            },
        ),
        "network": {"cidr": "10.0.0.0/16", "availability_zones": 2, "nat": "one", "ipv6": True},
    },
    "file-systems": minimal({"auto_mode": {}}, addons={"aws-fsx-csi-driver": {"enabled": True}}),  # not for IPv6
    "concrete": {
        **minimal(
            {"fargate": {"profiles": [{"name": "apps", "selectors": [{"namespace": "apps"}]}]}},
            addons={"external-dns": {"enabled": True}},
            control_plane={
                "kubernetes_version": "1.36",
                "endpoint": {"public_access_cidrs": ["0.0.0.0/0"], "allow_anywhere": True},
            },
        ),
        "network": {
            "availability_zones": ["us-east-1a", "us-east-1b"],
            "nat": "one",
            "isolated_subnets": True,
            "pod_cidr": "100.64.0.0/16",
            "control_plane_cidr": "100.65.0.0/26",
        },
        "account": "123456789012",
        "region": "us-east-1",
    },
}


JOINED = "environments/existing/join.yaml"
"""Compute for a cluster that somebody else made."""


@dataclass(frozen=True)
class Ended:
    """A process that ended: the exit code of the front door for each environment, and the folder it wrote for it, not to be changed."""

    codes: dict[str, int]
    folders: dict[str, Path]
    stdout: str
    stderr: str


PROGRAM = """
import json, os, sys
import app
import stacks.synth_checks.acknowledgements as table
exec(sys.argv[1])
codes = {}
for name, (file, folder) in json.loads(sys.argv[2]).items():
    context = {"env": file, "@aws-cdk/core:failSynthOnValidationErrors": False}
    os.environ.update(CDK_CONTEXT_JSON=json.dumps(context), CDK_OUTDIR=folder)
    codes[name] = app.main()
with open(sys.argv[3], "w") as file:
    json.dump(codes, file)
"""


def environment_file(name, folder):
    if name in (*ENVIRONMENTS, JOINED):
        return name
    path = folder / f"{name}.yaml"
    path.write_text(yaml.dump(OTHERS[name]))
    return str(path)


def synthesise(*names, code=""):
    """The front door for environments, one after the other in one process; ``code`` runs before. Once for the same sources."""

    def make(folder):
        jobs = {name: (environment_file(name, folder), str(folder / f"out-{at}")) for at, name in enumerate(names)}
        command = [sys.executable, "-c", PROGRAM, code, json.dumps(jobs), str(folder / "codes.json")]
        run = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        (folder / "said.json").write_text(json.dumps([run.stdout, run.stderr]))

    folder = kept(f"front door {names} {json.dumps(OTHERS)} {code}", make)
    folders = {name: folder / f"out-{at}" for at, name in enumerate(names)}
    codes = json.loads((folder / "codes.json").read_text())
    return Ended(codes, folders, *json.loads((folder / "said.json").read_text()))


BARE = ("demo", "hybrid", "windows", "workloads", *OTHERS)
"""What has a finding for each acknowledgement, together."""


def test_nothing_is_found_that_is_not_acknowledged():
    run = synthesise(*(name for name in ENVIRONMENTS if name not in BARE[1:]), "concrete", JOINED)
    assert set(run.codes.values()) == {0}, run.stdout + run.stderr
    assert run.stderr == ""
    for name, folder in run.folders.items():
        reports = json.loads((folder / "validation-report.json").read_text())["pluginReports"]
        assert [report["violations"] for report in reports if report["violations"]] == [], name


def test_a_warning_that_nobody_accepted_fails_as_an_error_does():
    fewer = 'table.ACKNOWLEDGED = tuple(row for row in table.ACKNOWLEDGED if not row.rule.endswith("W3010"))'
    run = synthesise("concrete", code=fewer)
    assert run.codes == {"concrete": 1}
    assert "Network/PrivateSubnet1: AvailabilityZone: Avoid hardcoding" in run.stderr
    assert "stacks/synth_checks/acknowledgements.yaml" in run.stderr


def spelt(row, finding):
    """How a row's finding is written, as a pattern."""
    return (
        re.escape(f"{row.rule}[{finding}]" if finding else row.rule)
        .replace(r"\{logs\}", r"\{arn\}:logs:[^\]]+:log-group")
        .replace(r"\{log_group\}", r"/[^\]]+")
        .replace(r"\{bucket\}", r"\w+")
        .replace(r"\{arn\}", "arn:(aws|<AWS::Partition>)")
    )


def test_each_finding_has_an_acknowledgement_and_each_acknowledgement_a_finding():
    run = synthesise(*BARE, code="table.ACKNOWLEDGED = ()")
    assert run.codes == dict.fromkeys(BARE, 1), "without acknowledgements the packs find something"
    assert run.stderr.count("stacks/synth_checks/acknowledgements.yaml") == len(BARE)
    assert "A copy of this report" not in run.stderr, "it is not kept"
    assert not [folder for folder in run.folders.values() if folder.exists()], "what fails takes no place"
    assert "Traceback" not in run.stderr
    found = set(
        re.findall(
            r"^ +(\S+) .*\n(?: +Suggested fix: .*\n)? +Acknowledge with '([^']+)'",
            run.stdout + run.stderr,
            re.MULTILINE,
        )
    )
    rows = [(row, spelt(row, finding)) for row in ACKNOWLEDGED for finding in row.findings or (None,)]
    answered = set()
    for path, one in found:
        fitting = {
            (row.path, pattern)
            for row, pattern in rows
            # The CDK's own validator wants its name before the rule's, cdk-nag's packs do not.
            if re.search(row.path, path) and re.fullmatch(f"([^:]+::)?{pattern}", one)
        }
        assert fitting, f"{path}: {one} has no acknowledgement"
        answered |= fitting
    assert {(row.path, pattern) for row, pattern in rows} - answered == set(), "nothing is found that needs them"


def test_each_acknowledgement_gives_a_reason():
    for row in ACKNOWLEDGED:
        assert len(row.reason) > 60
        assert row.reason.endswith(".")
