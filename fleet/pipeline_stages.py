"""The stages and actions of a pipeline as CodePipeline's own properties."""

import json
from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_codepipeline as codepipeline

from fleet.spec import SourceSpec
from fleet.stages import NONE_REPLACED, Action, Stage

_SERVICE = {
    "source": ("Source", "CodeStarSourceConnection"),
    "approve": ("Approval", "Manual"),
    "next": ("Invoke", "CodePipeline"),
}
_BUILD = ("Build", "CodeBuild")


def declared(
    stage: Stage, source: SourceSpec, projects: Mapping[str, str], following: str | None
) -> codepipeline.CfnPipeline.StageDeclarationProperty:
    """Returns a stage.

    Args:
        stage: what it does.
        source: the repository.
        projects: names of the CodeBuild projects, by their jobs.
        following: the name of the pipeline that this one starts; None: it is the last.
    """
    wave = stage.skipped_if_nothing_is_replaced
    return codepipeline.CfnPipeline.StageDeclarationProperty(
        name=stage.name,
        actions=[_action(action, stage, source, projects, following) for action in stage.actions],
        before_entry=_skipped_unless_replaced(wave) if wave else None,
    )


def _looked(wave: str) -> str:
    """Returns the namespace of what a look says; CodePipeline has one of its own, `codepipeline`."""
    return f"look_{wave}"


def _skipped_unless_replaced(wave: str) -> dict[str, Any]:
    """Only VariableCheck and LambdaInvoke can skip a stage: https://docs.aws.amazon.com/codepipeline/latest/userguide/stage-conditions.html"""
    rule = {
        "name": "something-is-replaced",
        "ruleTypeId": {"category": "Rule", "owner": "AWS", "provider": "VariableCheck", "version": "1"},
        "configuration": {"Variable": f"#{{{_looked(wave)}.REPLACED}}", "Value": NONE_REPLACED, "Operator": "NE"},
    }
    return {"conditions": [{"result": "SKIP", "rules": [rule]}]}


def _action(
    action: Action, stage: Stage, source: SourceSpec, projects: Mapping[str, str], following: str | None
) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
    category, provider = _SERVICE.get(action.job, _BUILD)
    build, first = category == "Build", category == "Source"
    return codepipeline.CfnPipeline.ActionDeclarationProperty(
        name=action.name,
        action_type_id=codepipeline.CfnPipeline.ActionTypeIdProperty(
            category=category, owner="AWS", provider=provider, version="1"
        ),
        configuration=_configuration(action, stage, source, projects, following),
        namespace=_looked(action.wave) if action.job == "look" else "Source" if first else None,
        input_artifacts=[codepipeline.CfnPipeline.InputArtifactProperty(name="Source")] if build else None,
        output_artifacts=[codepipeline.CfnPipeline.OutputArtifactProperty(name="Source")] if first else None,
        run_order=2 if action.after else 1,
        timeout_in_minutes=action.minutes or None,
    )


def _configuration(
    action: Action, stage: Stage, source: SourceSpec, projects: Mapping[str, str], following: str | None
) -> dict[str, Any]:
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
        by = f" Approval by: {', '.join(approval.by)}." if approval else ""
        topic = {"NotificationArn": approval.notify} if approval and approval.notify else {}
        counted = f"#{{{_looked(action.wave)}.REPLACED}} resources would be replaced or removed"
        text = f"Wave {action.wave}: {counted}; the log of what-changes names them.{by}"
        return {"CustomData": text, **topic}
    if action.job == "next":
        revision = {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": "#{Source.CommitId}"}
        return {"PipelineName": following, "SourceRevisions": json.dumps([revision])}
    values = {"WAVE": action.wave, "ENVIRONMENT": action.environment}
    variables = [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in values.items() if value]
    return {
        "ProjectName": projects[action.job],
        **({"EnvironmentVariables": json.dumps(variables)} if variables else {}),
    }
