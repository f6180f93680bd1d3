"""What a check says: findings, with the evidence for each. Documents and renderers build on them."""

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from responsibility.model import ComputeKind
from responsibility.reading.partly_known import without_gaps
from responsibility.reading.unknown import UnknownValue

Severity = Literal["critical", "high", "medium", "low"]
Origin = Literal["templates", "account"]
"""Where facts come from: what was written, or what runs."""
Status = Literal["met", "open", "not_applicable", "unknown"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")


class Part(BaseModel):
    """A piece of the document: frozen, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _for_people(cls, data: Any) -> Any:
        """Texts of facts may have parts that the template does not give; their markers are removed."""
        if isinstance(data, dict):
            return {key: _for_people(value) for key, value in data.items()}
        return data


def _for_people(value: Any) -> Any:
    if isinstance(value, str):
        return without_gaps(value)
    if isinstance(value, list) and any(isinstance(item, str) for item in value):
        return [_for_people(item) for item in value]
    return value


class Evidence(Part):
    """Where to look: a resource of a template and a property of it, or a field of an AWS API's answer."""

    stack: str = Field(description="In an audit, the region")
    resource: str = Field(description="Logical id in the template; in an audit, the name in the account")
    type: str = Field(description="CloudFormation resource type, or kind of the Kubernetes object")
    path: str = Field(default="", description="Property path, dotted; in an audit, that of the API's answer")
    api: str = Field(
        default="", description="The AWS API that answered it, as `eks:DescribeCluster`; empty: a template"
    )
    file: str = Field(default="", description="The template's file, as it was given")
    line: int = Field(default=0, description="Line of the resource in that file; 0 = not known")


def evidence_of(unknown: UnknownValue) -> Evidence:
    """Where a value is that the template does not have; of a text that was compared, nowhere."""
    return unknown.where if isinstance(unknown.where, Evidence) else Evidence(stack="", resource="", type="")


class CheckInfo(Part):
    """What a check tests, for whom, and why it matters."""

    code: str
    title: str
    component: str
    kinds: list[ComputeKind] = Field(description="Kinds of compute it applies to")
    severity: Severity
    why: str
    fix: str
    source: str
    only: Origin | None = Field(default=None, description="The only origin it applies to: templates, or an account")


class Acceptance(Part):
    """A finding that was accepted for a while."""

    reason: str
    until: date
    expired: bool = Field(description="The day has passed: the finding counts as open again")


class Finding(Part):
    """A check's answer about one subject."""

    code: str
    status: Status
    subject: str = Field(description="What was judged, in words: `cluster demo`, `Deployment web/frontend`")
    detail: str = Field(description="What was found, in a sentence")
    cluster: str = Field(default="", description="Id of the cluster it belongs to; empty = none, or several")
    evidence: list[Evidence] = []
    accepted: Acceptance | None = None
    defect: str = Field(
        default="",
        description="The crash of the check itself, and where: a defect of this program; the answer is unknown",
    )

    @property
    def counts_as_open(self) -> bool:
        """Whether the duty is open and not accepted."""
        return self.status == "open" and (self.accepted is None or self.accepted.expired)
