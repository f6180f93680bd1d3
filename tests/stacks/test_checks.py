"""The checks of every synth: nothing unacknowledged in any environment, and no acknowledgement without a finding."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from stacks.synth_checks.acknowledgements import ACKNOWLEDGED
from tests.support.environments import ENVIRONMENTS, NODES, ROOT, minimal
from tests.support.kept import kept

# What the shipped environments do not have, so that every acknowledgement is seen at work.
OTHERS = {
    "nodes": {
        **minimal(
            {"managed_nodes": {**NODES, "session_manager": True}, "karpenter": {"node_pools": [{"name": "more"}]}},
            delivery="kubectl",
            control_plane={"kubernetes_version": "1.36", "ip_family": "ipv6"},
            addons={
                one: {"enabled": True}
                for one in (
                    *("aws-efs-csi-driver", "external-dns", "amazon-cloudwatch-observability", "aws-fsx-csi-driver"),
                    *("cert-manager", "aws-privateca-connector-for-kubernetes"),
                )
            },
        ),
        "network": {"cidr": "10.0.0.0/16", "availability_zones": 2, "nat": "one", "ipv6": True},
    },
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
        },
        "account": "123456789012",
        "region": "us-east-1",
    },
}


JOINED = "environments/existing/join.yaml"
"""Compute for a cluster that somebody else made."""


@dataclass(frozen=True)
class Ended:
    """A process that ended, and the folder that it wrote to: not to be changed."""

    returncode: int
    stdout: str
    stderr: str
    folder: Path


def environment_file(name, folder):
    if name in (*ENVIRONMENTS, JOINED):
        return name
    path = folder / f"{name}.yaml"
    path.write_text(yaml.dump(OTHERS[name]))
    return str(path)


def synthesise(name, code=()):
    """The front door, in a process of its own, as the CDK CLI calls it; ``code`` runs before it. Once for the same sources."""

    def make(folder):
        run = _process(name, folder, code)
        (folder / "ended.json").write_text(json.dumps([run.returncode, run.stdout, run.stderr]))

    folder = kept(f"front door {name} {json.dumps(OTHERS.get(name))} {code}", make)
    return Ended(*json.loads((folder / "ended.json").read_text()), folder)


def _process(name, folder, code):
    program = "\n".join([*code, "import sys", "import app", "sys.exit(app.main())"])
    context = json.dumps({"env": environment_file(name, folder), "@aws-cdk/core:failSynthOnValidationErrors": False})
    environment = {
        **os.environ,
        "CDK_CONTEXT_JSON": context,
        "CDK_OUTDIR": str(folder / "out"),
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )


BARE = ("demo", "workloads", *OTHERS)
"""What has a finding for each acknowledgement, together."""


@pytest.mark.parametrize("name", [*(name for name in ENVIRONMENTS if name not in BARE[1:]), "concrete", JOINED])
def test_nothing_is_found_that_is_not_acknowledged(name):
    run = synthesise(name)
    assert run.returncode == 0, run.stdout + run.stderr
    reports = json.loads((run.folder / "out/validation-report.json").read_text())["pluginReports"]
    assert [report["violations"] for report in reports if report["violations"]] == []
    assert run.stderr == ""
    assert "error" not in run.stderr.lower()


def test_a_warning_that_nobody_accepted_fails_as_an_error_does():
    fewer = 'table.ACKNOWLEDGED = tuple(row for row in table.ACKNOWLEDGED if not row.rule.endswith("W3010"))'
    run = synthesise("concrete", ["import stacks.synth_checks.acknowledgements as table", fewer])
    assert run.returncode == 1
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
    found = set()
    for name in BARE:
        run = synthesise(name, ["import stacks.synth_checks.acknowledgements as table", "table.ACKNOWLEDGED = ()"])
        assert run.returncode == 1, "without acknowledgements the packs find something"
        assert "stacks/synth_checks/acknowledgements.yaml" in run.stderr
        assert "A copy of this report" not in run.stderr, "it is not kept"
        assert not (run.folder / "out").exists(), "what fails takes no place"
        assert "Traceback" not in run.stderr
        found |= set(
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
