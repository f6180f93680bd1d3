"""The stack of a fleet's pipelines: AWS CodePipeline (V2) with CodeBuild, encrypted, each role with no more than its job needs.

It is made of the services' own pieces, not of CDK Pipelines: that needs every stack of every environment in one app, which does not
work for hundreds of clusters, and one role that may do what all stages do.
"""

import json
from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_s3 as s3
from constructs import Construct

from eks_constructs.cluster_foundation import keep
from eks_constructs.encryption import customer_key, log_group, log_writers
from eks_constructs.private_bucket import private_bucket, tls_alone
from eks_constructs.roles import Statement, allow, arn, from_source, prescribe, role, trust_service
from fleet.access import DEPLOYING, LOOKUP
from fleet.engine_spec import PipelineSpec
from fleet.model import Fleet
from fleet.path import of_engine
from fleet.pipeline_stages import Surroundings, declared, variables
from fleet.rights import acknowledge as acknowledge_assumed
from fleet.rights import may_assume
from fleet.stages import Stage, pipelines
from fleet.wave_spec import BUILD_MINUTES
from stacks.environment.aws_names import partition_of

IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
"""https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-available.html"""
PYTHON = "3.12"
ARTIFACT_DAYS = 90
_READ = "--lookup-roles EcsContainer"
COMMANDS = {
    "check": ['python -m fleet review "$FLEET" --checks on --fail-on high', 'python -m fleet table "$FLEET"'],
    "look": [f'REPLACED=$(python -m fleet look "$FLEET" --wave "$WAVE" {_READ})', "export REPLACED"],
    "deploy": [
        f'python -m fleet deploy "$FLEET" --wave "$WAVE" --only "$ENVIRONMENT" --approved {_READ}'
        " -- node_modules/.bin/cdk deploy --all --require-approval never"
    ],
    "gate": [f'python -m fleet gate "$FLEET" --wave "$WAVE" {_READ}'],
}
"""What each CodeBuild project runs."""


class PipelineStack(cdk.Stack):
    """The pipelines of one fleet."""

    def __init__(self, scope: Construct, construct_id: str, fleet: Fleet, spec: PipelineSpec) -> None:
        """Makes the stack. Raises BadInput: a file of the fleet is not in the repository that the pipeline reads."""
        super().__init__(
            scope,
            construct_id,
            env=cdk.Environment(account=spec.account, region=spec.region),
            description=f"EKS platform: pipelines of the fleet {fleet.spec.name}",
        )
        self._fleet, self._spec = fleet, spec
        self._name = f"eks-fleet-{fleet.spec.name}"
        self._file = of_engine(fleet)
        keep(self, retain=spec.retain)
        logs = f"/eks-platform/fleet/{fleet.spec.name}/*"
        self._key = customer_key(
            self,
            "Key",
            description=f"Encrypts the artifacts and logs of the pipelines of {fleet.spec.name}",
            alias=f"alias/eks-platform/fleet/{fleet.spec.name}",
            statements=(log_writers(logs),),
        )
        self._bucket = self._artifacts()
        self._projects = {job: self._project(job) for job in COMMANDS}
        made = pipelines(fleet)
        names = [self._name if not index else f"{self._name}.{index + 1}" for index in range(len(made))]
        roles = [self._pipeline_role(index, stages, names) for index, stages in enumerate(made)]
        for index, stages in enumerate(made):
            self._pipeline(index, names, stages, roles[index])
        prescribe(self, spec.iam)

    def log_group_name(self, job: str) -> str:
        """Returns the name of the log group of a project."""
        return f"/eks-platform/fleet/{self._fleet.spec.name}/{job}"

    def _artifacts(self) -> s3.CfnBucket:
        bucket = private_bucket(
            self,
            "Artifacts",
            rule_id="OldArtifacts",
            old_versions_days=ARTIFACT_DAYS,
            uploads_days=7,
            key_arn=self._key.attr_arn,
            expire_days=ARTIFACT_DAYS,
        )
        tls_alone(self, "ArtifactsPolicy", bucket, sid="OverTlsAlone")
        return bucket

    def _reads_artifacts(self) -> list[Statement]:
        return [
            allow(["s3:GetObject", "s3:GetObjectVersion"], f"{self._bucket.attr_arn}/*", sid="ReadArtifacts"),
            allow(["kms:Decrypt"], self._key.attr_arn, sid="DecryptThem"),
        ]

    def _project(self, job: str) -> codebuild.CfnProject:
        """Makes a CodeBuild project with a role and a log group of its own."""
        name = f"{self._name}-{job}"
        group = log_group(
            self,
            f"{job.capitalize()}Logs",
            name=self.log_group_name(job),
            key_arn=self._key.attr_arn,
            days=self._spec.log_retention_days,
        )
        kinds = {"check": (), "look": (LOOKUP,), "gate": (LOOKUP,), "deploy": DEPLOYING}[job]
        assumed = may_assume(self._fleet.spec, kinds, partition_of(self._spec.region))
        made = role(
            self,
            f"{job.capitalize()}Role",
            spec=self._spec.iam,
            name=name,
            description=f"CodeBuild: {job} of the fleet {self._fleet.spec.name}",
            trust=trust_service("codebuild.amazonaws.com", conditions=from_source(arn("codebuild", f"project/{name}"))),
            statements=[
                allow(
                    ["logs:CreateLogStream", "logs:PutLogEvents"],
                    arn("logs", f"log-group:{self.log_group_name(job)}:*"),
                    sid="WriteLogs",
                ),
                *self._reads_artifacts(),
                *(assumed[0] if assumed else []),
            ],
            more=assumed[1:],
        )
        acknowledge_assumed(self, f"{job.capitalize()}Role", assumed)
        buildspec = {
            "version": 0.2,
            "env": {"shell": "bash", **({"exported-variables": ["REPLACED"]} if job == "look" else {})},
            "phases": {
                "install": {"runtime-versions": {"python": PYTHON}, "commands": ["make setup", ". .venv/bin/activate"]},
                "build": {"commands": [". .venv/bin/activate", *COMMANDS[job]]},
            },
        }
        return codebuild.CfnProject(
            self,
            f"{job.capitalize()}Project",
            name=name,
            description=f"{job} of the fleet {self._fleet.spec.name}",
            service_role=made.attr_arn,
            encryption_key=self._key.attr_arn,
            artifacts=codebuild.CfnProject.ArtifactsProperty(type="CODEPIPELINE"),
            source=codebuild.CfnProject.SourceProperty(type="CODEPIPELINE", build_spec=json.dumps(buildspec)),
            timeout_in_minutes=BUILD_MINUTES,
            environment=codebuild.CfnProject.EnvironmentProperty(
                type="LINUX_CONTAINER",
                compute_type="BUILD_GENERAL1_MEDIUM",
                image=IMAGE,
                privileged_mode=False,
                environment_variables=[
                    codebuild.CfnProject.EnvironmentVariableProperty(name="FLEET", value=self._file)
                ],
            ),
            logs_config=codebuild.CfnProject.LogsConfigProperty(
                cloud_watch_logs=codebuild.CfnProject.CloudWatchLogsConfigProperty(
                    status="ENABLED", group_name=group.ref
                )
            ),
        )

    def _pipeline_role(self, index: int, stages: Sequence[Stage], names: Sequence[str]) -> str:
        """Makes the role of a pipeline; returns its ARN."""
        connection = self._spec.source.connection_arn
        # CodePipeline asks by the prefix that the connection was made with; both are the same connection.
        arns = [
            connection.replace(connection.split(":")[2], prefix, 1)
            for prefix in ("codeconnections", "codestar-connections")
        ]
        jobs = {action.job for stage in stages for action in stage.actions}
        topics = sorted({stage.approval.notify for stage in stages if stage.approval and stage.approval.notify})
        builds = [self._projects[job].attr_arn for job in COMMANDS if job in jobs]
        made = role(
            self,
            f"PipelineRole{index + 1}",
            spec=self._spec.iam,
            name=f"{names[index]}-pipeline",
            description=f"CodePipeline: the pipeline {names[index]}",
            trust=trust_service(
                "codepipeline.amazonaws.com", conditions=from_source(arn("codepipeline", names[index]))
            ),
            statements=[
                allow(
                    ["codeconnections:UseConnection", "codestar-connections:UseConnection"], arns, sid="ReadTheSource"
                ),
                allow(["codebuild:StartBuild", "codebuild:BatchGetBuilds"], builds, sid="RunTheBuilds"),
                allow(
                    ["s3:PutObject", "s3:GetObject", "s3:GetObjectVersion"],
                    f"{self._bucket.attr_arn}/*",
                    sid="KeepArtifacts",
                ),
                allow(["s3:GetBucketVersioning"], self._bucket.attr_arn, sid="LookAtTheBucket"),
                allow(["kms:Decrypt", "kms:GenerateDataKey"], self._key.attr_arn, sid="EncryptArtifacts"),
                *([allow(["sns:Publish"], topics, sid="TellApprovers")] if topics else []),
                *(
                    [
                        allow(
                            ["codepipeline:StartPipelineExecution"],
                            arn("codepipeline", names[index + 1]),
                            sid="StartTheNext",
                        )
                    ]
                    if "next" in jobs
                    else []
                ),
            ],
        )
        return made.attr_arn

    def _pipeline(self, index: int, names: Sequence[str], stages: Sequence[Stage], role_arn: str) -> None:
        around = Surroundings(
            name=names[index],
            source=self._spec.source,
            projects={job: project.ref for job, project in self._projects.items()},
            before=names[index - 1] if index else None,
            after=names[index + 1] if index + 1 < len(names) else None,
        )
        made = codepipeline.CfnPipeline(
            self,
            f"Pipeline{index + 1}",
            name=names[index],
            pipeline_type="V2",
            # A newer commit waits for the one under way: no wave has two versions of the files at once.
            execution_mode="QUEUED",
            restart_execution_on_update=False,
            role_arn=role_arn,
            artifact_store=codepipeline.CfnPipeline.ArtifactStoreProperty(
                type="S3",
                location=self._bucket.ref,
                encryption_key=codepipeline.CfnPipeline.EncryptionKeyProperty(id=self._key.attr_arn, type="KMS"),
            ),
            variables=variables(around.before),
            stages=declared(stages, around),
        )
        # The pipeline starts when it is made: its role must be able to read by then.
        made.node.add_dependency(self.node.find_child(f"PipelineRole{index + 1}Policy"))


_LOGGED = (
    "Every write and read is made by the pipeline or its builds, whose executions and logs say what it was; a log bucket would log the same"
    " again. CloudTrail's data events show it where an organisation asks for them."
)
_NO_COPY = "Artifacts are copies of a commit that are deleted after 90 days: the repository has them all, and a rerun makes them again."
_WITHIN = "The names of artifacts and of log streams are made at run time, within the one bucket and the one log group of this role."


def acknowledge(stack: PipelineStack) -> None:
    """Accepts the findings of cdk-nag that stay, each by its exact text and with a reason."""
    accepted: dict[str, dict[str, str]] = {
        "Artifacts": {
            "AwsSolutions-S1": _LOGGED,
            "NIST.800.53.R5-S3BucketLoggingEnabled": _LOGGED,
            "NIST.800.53.R5-S3BucketReplicationEnabled": _NO_COPY,
        }
    }
    for construct in stack.node.children:
        name = construct.node.id
        rules = accepted.get(name, {})
        role_name, of_role, _ = name.partition("RolePolicy")
        if of_role or (name.startswith("PipelineRole") and name.endswith("Policy")):
            rules = {"AwsSolutions-IAM5[Resource::<Artifacts.Arn>/*]": _WITHIN}
            job = role_name.lower()
            if job in COMMANDS:
                logs = "arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:" + stack.log_group_name(job)
                rules[f"AwsSolutions-IAM5[Resource::{logs}:*]"] = _WITHIN
        if rules:
            cdk.Validations.of(construct).acknowledge(
                *(cdk.Acknowledgment(id=rule, reason=why) for rule, why in rules.items())
            )
