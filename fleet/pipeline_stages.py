"""The stages and actions of a pipeline as CodePipeline's own properties."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_codepipeline as codepipeline

from fleet.engine_spec import SourceSpec
from fleet.stages import NONE_REPLACED, Action, Stage
from fleet.wave_spec import ApprovalSpec

_SERVICE = {
    "source": ("Source", "CodeStarSourceConnection"),
    "approve": ("Approval", "Manual"),
    "next": ("Invoke", "CodePipeline"),
}
_BUILD = ("Build", "CodeBuild")
_VALUE = 1_000
"""Characters of a value in the configuration of an action, at most (API_ActionDeclaration.html)."""


STARTED_BY = "STARTED_BY"
"""The variable of a pipeline that another one starts: the name of that one."""


@dataclass(frozen=True)
class Surroundings:
    """What the stages of a pipeline refer to."""

    name: str
    """Of the pipeline."""
    source: SourceSpec
    projects: Mapping[str, str]
    """Names of the CodeBuild projects, by their jobs."""
    before: str | None
    """The pipeline that starts this one; None: it is the first."""
    after: str | None
    """The pipeline that this one starts; None: it is the last."""


def declared(stages: Sequence[Stage], around: Surroundings) -> list[codepipeline.CfnPipeline.StageDeclarationProperty]:
    """Returns the stages of a pipeline."""
    return [
        codepipeline.CfnPipeline.StageDeclarationProperty(
            name=stage.name,
            actions=[_action(action, stage, around) for action in stage.actions],
            before_entry=_condition(index, stage, around),
        )
        for index, stage in enumerate(stages)
    ]


def variables(before: str | None) -> list[codepipeline.CfnPipeline.VariableDeclarationProperty] | None:
    """Returns the variables of a pipeline; ``before`` is the one that starts it."""
    if before is None:
        return None
    words = f"Goes on only if it is {before}, whose waves come first"
    declaration = codepipeline.CfnPipeline.VariableDeclarationProperty
    return [declaration(name=STARTED_BY, default_value="nobody", description=words)]


def _condition(index: int, stage: Stage, around: Surroundings) -> dict[str, Any] | None:
    if wave := stage.skipped_if_nothing_is_replaced:
        return _unless("something-is-replaced", "SKIP", f"#{{{_looked(wave)}.REPLACED}}", NONE_REPLACED, "NE")
    if index == 1 and around.before:
        # CodePipeline starts each pipeline when it makes it, and anybody can start it: waves would come before those of the one before.
        # https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-about-starting.html
        return _unless("earlier-waves-are-done", "FAIL", f"#{{variables.{STARTED_BY}}}", around.before, "EQ")
    return None


def _looked(wave: str) -> str:
    """Returns the namespace of what a look says; CodePipeline has one of its own, `codepipeline`."""
    return f"look_{wave}"


def _unless(name: str, result: str, variable: str, value: str, operator: str) -> dict[str, Any]:
    """Returns a condition, with the result that comes if it does not hold.

    Only VariableCheck and LambdaInvoke can skip a stage: https://docs.aws.amazon.com/codepipeline/latest/userguide/stage-conditions.html
    """
    rule = {
        "name": name,
        "ruleTypeId": {"category": "Rule", "owner": "AWS", "provider": "VariableCheck", "version": "1"},
        "configuration": {"Variable": variable, "Value": value, "Operator": operator},
    }
    return {"conditions": [{"result": result, "rules": [rule]}]}


def _action(action: Action, stage: Stage, around: Surroundings) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
    category, provider = _SERVICE.get(action.job, _BUILD)
    build, first = category == "Build", category == "Source"
    return codepipeline.CfnPipeline.ActionDeclarationProperty(
        name=action.name,
        action_type_id=codepipeline.CfnPipeline.ActionTypeIdProperty(
            category=category, owner="AWS", provider=provider, version="1"
        ),
        configuration=_configuration(action, stage, around),
        namespace=_looked(action.wave) if action.job == "look" else "Source" if first else None,
        input_artifacts=[codepipeline.CfnPipeline.InputArtifactProperty(name="Source")] if build else None,
        output_artifacts=[codepipeline.CfnPipeline.OutputArtifactProperty(name="Source")] if first else None,
        run_order=2 if action.after else 1,
        timeout_in_minutes=action.minutes or None,
    )


def _configuration(action: Action, stage: Stage, around: Surroundings) -> dict[str, Any]:
    source = around.source
    if action.job == "source":
        return {
            "ConnectionArn": source.connection_arn,
            "FullRepositoryId": source.repository,
            "BranchName": source.branch,
            # The first pipeline starts by itself; each other one is started with the commit that came through the one before.
            "DetectChanges": "true" if action.starts_by_itself else "false",
        }
    if action.job == "approve":
        approval = stage.approval
        topic = {"NotificationArn": approval.notify} if approval and approval.notify else {}
        counted = f"#{{{_looked(action.wave)}.REPLACED}} resources would be replaced or removed"
        text = f"Wave {action.wave}: {counted}; the log of what-changes names them.{_by(approval)}"
        return {"CustomData": text, **topic}
    if action.job == "next":
        revision = {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": "#{Source.CommitId}"}
        return {
            "PipelineName": around.after,
            "SourceRevisions": json.dumps([revision]),
            "Variables": json.dumps([{"name": STARTED_BY, "value": around.name}]),
        }
    values = {"WAVE": action.wave, "ENVIRONMENT": action.environment}
    given = [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in values.items() if value]
    return {
        "ProjectName": around.projects[action.job],
        **({"EnvironmentVariables": json.dumps(given)} if given else {}),
    }


def _by(approval: ApprovalSpec | None) -> str:
    """Returns who approves; the first ones, where all are too many for a value of an action."""
    if approval is None:
        return ""
    shown = [name for index, name in enumerate(approval.by) if len(", ".join(approval.by[: index + 1])) < _VALUE // 2]
    more = f" and {left} more" if (left := len(approval.by) - len(shown)) else ""
    return f" Approval by: {', '.join(shown)}{more}."
