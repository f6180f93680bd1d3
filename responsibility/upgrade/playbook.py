"""The playbook document: everything a playbook says, once. Renderers turn it into text, Markdown and HTML and add no facts.

A change that an old reader would misread raises the first number of ``SCHEMA_VERSION``; a new optional field the second.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from responsibility.document import VersionSupport
from responsibility.findings import Evidence, Part
from responsibility.model import ComputeKind, Owner

SCHEMA_VERSION = "1.1"

Verdict = Literal["blocker", "ask", "warning", "read", "clear"]
"""``blocker``: fix it first. ``ask``: only the account knows. ``warning``: look at it. ``read``: nothing in a template shows
whether it concerns you. ``clear``: was asked, and nothing is in the way."""
VERDICTS: tuple[Verdict, ...] = ("blocker", "ask", "warning", "read", "clear")

StepId = Literal[
    "before",
    "control_plane",
    "add_ons",
    "managed_nodes",
    "self_managed_nodes",
    "fargate",
    "auto_mode",
    "hybrid_nodes",
    "after",
]


class Gate(Part):
    """Something that was looked at before the upgrade, and what was found."""

    topic: str = Field(description="`version-skew`, `removed-api`, ...: stable")
    verdict: Verdict
    subject: str = Field(description="What was judged: `node group general`")
    detail: str = Field(description="What was found, in a sentence")
    fix: str = Field(default="", description="What to do about it")
    commands: list[str] = Field(default=[], description="What to ask the account with")
    api: str = Field(default="", description="The API that answers it: `eks:ListInsights`, `kubectl get nodes`")
    blocks: StepId = Field(default="control_plane", description="The step that must wait for it")
    check: str = Field(default="", description="Code of the check that answered it")
    evidence: list[Evidence] = []
    source: str
    verified: bool = Field(default=True, description="False: not confirmed by a page of AWS or the Kubernetes project")
    defect: str = Field(default="", description="The crash of the check itself, and where: a defect of this program")


class Change(Part):
    """A value to change, where it is written."""

    where: str = Field(description="Key of the environment file, or stack, logical id and property")
    before: str = Field(description="Empty: there is no value")
    after: str = Field(description="Empty: remove it")
    evidence: Evidence | None = None


class Step(Part):
    """A step of the upgrade."""

    number: int
    id: StepId
    title: str
    kind: ComputeKind | None = Field(default=None, description="None: it concerns the cluster, whatever its compute")
    who: Owner = Field(description="Who acts")
    aws: str = Field(description="What AWS does; empty = nothing")
    you: str = Field(description="What you do; empty = nothing")
    changes: list[Change] = []
    commands: list[str] = []
    verify: list[str] = Field(default=[], description="Commands that show whether it worked")
    expect: str = Field(default="", description="What they must show")
    disruption: str
    back: str = Field(description="How to go back; empty = there is no way")
    back_commands: list[str] = []
    kept: str = Field(default="", description="What does not come back")
    sources: list[str]


class ClusterPlaybook(Part):
    """The upgrade of one cluster."""

    id: str = Field(description="`STACK/LOGICAL-ID`")
    name: str
    environment: str = Field(description="The environment of this project it belongs to; empty = not made by it")
    before: str = Field(description="Kubernetes version as read")
    after: str
    kinds: list[ComputeKind]
    support_before: VersionSupport
    support: VersionSupport = Field(description="Of the version to come")
    gates: list[Gate]
    steps: list[Step]
    notes_complete: bool = Field(description="False: AWS's notes for the version were not available")

    def having(self, verdict: Verdict) -> list[Gate]:
        """Returns the gates with a verdict."""
        return [gate for gate in self.gates if gate.verdict == verdict]


class Playbook(Part):
    """The whole document."""

    schema_version: str = SCHEMA_VERSION
    source: str = Field(description="What was read, as it was given")
    as_of: date
    target: str
    clusters: list[ClusterPlaybook]
    changes_checked: date = Field(description="When the data on Kubernetes' changes was last checked")

    @property
    def defects(self) -> list[tuple[str, str]]:
        """Code of each check that crashed, and what and where."""
        gates = [gate for cluster in self.clusters for gate in cluster.gates if gate.defect]
        return list(dict.fromkeys((gate.check, gate.defect) for gate in gates))

    @property
    def blocked(self) -> bool:
        """Whether any cluster has a blocker."""
        return any(cluster.having("blocker") for cluster in self.clusters)
