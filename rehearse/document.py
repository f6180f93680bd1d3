"""The rehearsal document: everything a rehearsal says, once. Renderers turn it into text, Markdown and HTML and add no facts.

A change that an old reader would misread raises the first number of ``SCHEMA_VERSION``; a new optional field the second.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = "1.0"

Verdict = Literal["blocker", "down", "warning"]
"""``blocker``: the upgrade stops there. ``down``: something had no ready replica, or never came back. ``warning``: look at it."""
VERDICTS: tuple[Verdict, ...] = ("blocker", "down", "warning")

Topic = Literal[
    "disruption-budget",
    "several-budgets",
    "do-not-disrupt",
    "node-budget",
    "finalizer",
    "grace-period",
    "eviction",
    "forced-update",
    "slow-eviction",
    "capacity",
    "single-replica",
    "all-replicas",
    "no-owner",
    "never-back",
    "node-pressure",
    "not-ready-before",
    "removed-api",
    "strict-fields",
    "admission",
]
"""What a finding is about. disruption-budget, single-replica, forced-update and removed-api are those of the playbook."""


class Part(BaseModel):
    """A part of the document."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Finding(Part):
    """Something that went wrong."""

    topic: Topic
    verdict: Verdict
    check: str = Field(default="", description="Code of the review's check that looks for it without a cluster")
    step: str = Field(description="The playbook's step in which it happened: `managed_nodes`")
    subject: str = Field(description="What it is about: `Pod shop/web-0`, `Deployment shop/web`")
    detail: str = Field(description="What happened, with the API's own words")
    node: str = Field(default="", description="Node that the pod was on")
    group: str = Field(default="", description="Node group or node pool")
    budgets: list[str] = Field(default=[], description="PodDisruptionBudgets that the pod has: `shop/web`")
    at: float = Field(description="Seconds after the begin")
    seconds: float = Field(default=0, description="How long it lasted")
    fix: str
    source: str = Field(description="The page that says so")
    where: str = Field(default="", description="File and line of the object")


class Point(Part):
    """Ready replicas from a time on."""

    at: float
    ready: int


class Workload(Part):
    """A workload over time."""

    name: str = Field(description="`Deployment shop/web`")
    before: int = Field(description="Ready replicas before it began")
    lowest: int
    after: int
    seconds_without: float = Field(description="How long none was ready")
    seconds_below: float = Field(description="How long fewer than before were ready")
    points: list[Point]


class Happening(Part):
    """Something that happened, for the timeline."""

    at: float
    step: str
    what: str
    failed: bool = False


class Step(Part):
    """A step of the playbook, as it was played."""

    id: str
    title: str
    begin: float
    end: float
    failed: bool = False
    skipped: str = Field(default="", description="Why it was not played")


class Rehearsal(Part):
    """The whole document."""

    schema_version: str = SCHEMA_VERSION
    source: str = Field(description="What was read, as it was given")
    cluster: str
    question: str = Field(description="What was played: `upgrade from 1.36 to 1.37`, `drain of zone us-east-1a`")
    before: str
    after: str
    nodes: int = Field(description="Nodes before it began")
    pods: int = Field(description="Pods that were ready before it began")
    findings: list[Finding]
    workloads: list[Workload]
    steps: list[Step]
    events: list[Happening]
    not_played: list[str] = Field(description="What was in the input, or should be, and was not played")

    def having(self, verdict: Verdict) -> list[Finding]:
        """Returns the findings with a verdict."""
        return [one for one in self.findings if one.verdict == verdict]
