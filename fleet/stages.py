"""The stages of a fleet's pipelines, as plain data: what they do, and how many pipelines they need.

Names of waves and environments have small letters, digits and hyphens: what is not one of them has a dot or a capital in its name.

A pipeline has at most 50 stages, and a stage 50 actions: https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from fleet.model import Fleet, Wave
from fleet.wave_spec import ApprovalSpec

MAX_STAGES = 50
MAX_ACTIONS = 50
MAX_ACTIONS_OF_ALL = 500
"""Actions of all stages of a pipeline, which AWS's page does not say. It was 500, and 1,000 since 2024:
https://github.com/awslabs/aws-deployment-framework/issues/792"""
Job = Literal["source", "check", "look", "approve", "deploy", "gate", "next"]
NONE_REPLACED = "0"


@dataclass(frozen=True)
class Action:
    """An action of a stage."""

    name: str
    job: Job
    wave: str = ""
    environment: str = ""
    minutes: int = 0
    """Time limit of an approval, which alone may have one; 0: that of its project.
    https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ActionDeclaration.html"""
    after: bool = False
    """Whether it begins after the other actions of its stage."""
    starts_by_itself: bool = False
    """Of a source: whether each new commit starts the pipeline."""


@dataclass(frozen=True)
class Stage:
    """A stage of a pipeline."""

    name: str
    actions: tuple[Action, ...]
    approval: ApprovalSpec | None = None
    skipped_if_nothing_is_replaced: str = ""
    """The wave whose look decides; empty: the stage is never skipped."""


def pipelines(fleet: Fleet) -> list[list[Stage]]:
    """Returns the stages of each pipeline; each starts the next one when it is done."""
    made: list[list[Stage]] = []
    for wave in fleet.waves:
        for stages in _blocks(wave):
            if not made or not _fits([*made[-1], *stages]):
                made.append(list(_first(len(made))))
            made[-1] += stages
    for index, stages in enumerate(made[:-1], 2):
        stages.append(Stage("Next", (Action(f"start-pipeline-{index}", "next"),)))
    return made


def _fits(stages: Sequence[Stage]) -> bool:
    """Whether a pipeline may have these stages, and one more that starts the next pipeline."""
    return len(stages) < MAX_STAGES and sum(len(one.actions) for one in stages) < MAX_ACTIONS_OF_ALL


def _first(number: int) -> Iterator[Stage]:
    yield Stage("Source", (Action("Source", "source", starts_by_itself=not number),))
    if not number:  # the same commit was checked by the first pipeline
        yield Stage("Checks", (Action("synth-and-review", "check"),))


def _blocks(wave: Wave) -> Iterator[list[Stage]]:
    """Yields the stages of a wave, those together that have to be in one pipeline: an approval reads what its look says."""
    name, approval = wave.spec.name, wave.spec.approval
    minutes = approval.time_limit_minutes if approval else ApprovalSpec(by=["anybody"]).time_limit_minutes
    approve = Action("approve", "approve", name, minutes=minutes)
    before = [
        Stage(f"{name}.look", (Action("what-changes", "look", name),)),
        Stage(f"{name}.approve", (approve,), approval, "" if approval else name),
    ]
    pieces = list(chunks([one.environment.name for one in wave.members], MAX_ACTIONS - 1))
    for number, names in enumerate(pieces, 1):
        actions = [Action(one, "deploy", name, one) for one in names]
        if number == len(pieces):
            actions.append(Action("Gate", "gate", name, after=True))
        yield [*before, Stage(name if number == 1 else f"{name}.{number}", tuple(actions))]
        before = []


def chunks(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Yields pieces of a list, each as long as ``size`` but the last."""
    for begin in range(0, len(names), size):
        yield names[begin : begin + size]
