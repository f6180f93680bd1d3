"""The frameworks of `data/*.yaml`: their controls, and what answers each."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from safe_io.yaml_file import load

_DATA = Path(__file__).parent / "data"


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Control(_Row):
    """A control, or a recommendation, and what answers it."""

    id: str
    title: str
    checks: list[str] = Field(default=[], description="Codes of the checks that answer it together")
    way: str = Field(default="", description="A way in from the internet that must be closed: its name in the review")
    component: str = Field(
        default="", description="Row of the model: AWS's if AWS owns it on each kind of compute in use"
    )
    objects: bool = Field(default=False, description="It is about Kubernetes objects, which a template may not show")
    rest: str = Field(
        default="", description="What it asks beyond that, which a person must look at: it is never met without"
    )
    manual: str = Field(default="", description="Why nothing here answers it")

    @model_validator(mode="after")
    def _has_an_answer(self) -> Control:
        if not (self.checks or self.way or self.component or self.manual):
            raise ValueError(f"{self.id}: needs checks, a way in, a component, or the reason why there are none")
        if self.manual and (self.checks or self.way):
            raise ValueError(f"{self.id}: has an answer, and a reason why there is none; `rest` is for what is left")
        return self


class Section(_Row):
    """A chapter of a framework."""

    id: str
    title: str
    controls: list[Control]


class Framework(_Row):
    """A framework, as of a day."""

    name: str
    version: str
    source: str
    checked: date
    note: str = ""
    sections: list[Section]


def names() -> list[str]:
    """Returns the names that `--framework` takes."""
    return sorted(file.stem for file in _DATA.glob("*.yaml"))


def framework(name: str) -> Framework:
    """Returns a framework by one of ``names``. Raises FileNotFoundError."""
    return Framework.model_validate(load(_DATA / f"{name}.yaml"))
