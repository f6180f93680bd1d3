"""What a check is: a question about one kind of subject, with a stable code, and its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from responsibility.findings import CheckInfo, Evidence, Status
from responsibility.model import COMPUTE_KINDS
from responsibility.reading.charts import HelmChart
from responsibility.reading.facts import Fact
from responsibility.reading.kubernetes import KubernetesObject
from safe_io.yaml_file import load

F = TypeVar("F", bound=Fact)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a check found at one subject."""

    status: Status
    detail: str
    """One sentence, without the subject's name: ``is open to 0.0.0.0/0``."""
    evidence: tuple[Evidence, ...]


def met(detail: str, *evidence: Evidence) -> Answer:
    """The duty is done."""
    return Answer("met", detail, evidence)


def open_(detail: str, *evidence: Evidence) -> Answer:
    """The duty is not done."""
    return Answer("open", detail, evidence)


def not_applicable(detail: str) -> Answer:
    """The question does not apply to this subject, and why."""
    return Answer("not_applicable", detail, ())


@dataclass(frozen=True, slots=True)
class Check:
    """A question, and the function that answers it for one subject.

    The function raises UnknownValue, by reading a fact that the template does not say, to answer ``unknown``.
    """

    info: CheckInfo
    of: type[Fact]
    judge: Callable[[Any], Answer | None]
    """Answers for one subject; None: the check is not about this one (a role that no node has)."""
    more_never_helps: bool = False
    """Whether one item more, in any list that it reads, could never make an open duty met: an item that is not known hides nothing."""
    synth: bool = False
    """Whether a synth of this project fails unless it is met (``stacks/synth_checks/review.py``)."""


REGISTRY: dict[str, Check] = {}
"""Every check by its code; filled by importing the modules of this package (``checks.all_checks``)."""


def check(
    code: str, of: type[F], *, synth: bool = False
) -> Callable[[Callable[[F], Answer | None]], Callable[[F], Answer | None]]:
    """Registers the function below it as the check ``code`` of every fact of a class.

    What the check says to people is in the YAML file beside its module, under its code: the fields of ``CheckInfo``.
    ``kinds`` may be left out there (all of them), and ``only`` (both origins; objects of Kubernetes are in templates alone).
    ``more_never_helps`` is not shown to people: see ``Check``.
    A code is never given to another question. With ``synth``, a synth of this project fails unless the check is met.

    Raises ValueError for a code that is there twice, or that the file does not describe.
    """

    def register(judge: Callable[[F], Answer | None]) -> Callable[[F], Answer | None]:
        if code in REGISTRY:
            raise ValueError(f"{code} is there twice")
        file = Path(judge.__code__.co_filename).with_suffix(".yaml")
        if code not in described(file):
            raise ValueError(f"{file.name} does not describe {code}")
        defaults = {
            "kinds": COMPUTE_KINDS,
            "only": "templates" if issubclass(of, KubernetesObject | HelmChart) else None,
        }
        said = defaults | described(file)[code]
        more_never_helps = said.pop("more_never_helps", False)
        REGISTRY[code] = Check(CheckInfo(code=code, **said), of, judge, more_never_helps, synth)
        return judge

    return register


@cache
def described(file: Path) -> dict[str, dict[str, Any]]:
    """Returns what a file says of checks, by code."""
    return load(file) or {}
