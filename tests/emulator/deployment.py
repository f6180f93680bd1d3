"""Deploys assemblies by CloudFormation's API, as the CDK CLI does, but without a process for each step."""

import io
import json
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.installation import ROOT
from emulator.process import ACCOUNT, REGION, Engine
from emulator.status import client

BOOTSTRAP = ROOT / "node_modules/aws-cdk/lib/api/bootstrap/bootstrap-template.yaml"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


class StackFailed(Exception):
    """A stack did not come to its end; the text has the events that failed."""


@dataclass
class Deployment:
    """What a test does with CloudFormation."""

    engine: Engine
    account: str = ACCOUNT
    region: str = REGION

    def __post_init__(self) -> None:
        self._published: set[str] = set()
        self.cloudformation = client(self.engine, "cloudformation", self.region)
        self.s3 = client(self.engine, "s3", self.region)
        self.bucket = f"cdk-hnb659fds-assets-{self.account}-{self.region}"
        self.execution_role = (
            f"arn:aws:iam::{self.account}:role/cdk-hnb659fds-cfn-exec-role-{self.account}-{self.region}"
        )

    def bootstrap(self) -> None:
        """Makes what `cdk bootstrap` makes, from the CLI's own template, without a start of the CLI."""
        self.cloudformation.create_stack(
            StackName="CDKToolkit",
            TemplateBody=BOOTSTRAP.read_text(),
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[{"ParameterKey": "CloudFormationExecutionPolicies", "ParameterValue": ADMINISTRATOR}],
        )
        self.settled("CDKToolkit")
        assert self.states()["CDKToolkit"] == "CREATE_COMPLETE", self._failures("CDKToolkit", 0)

    def deploy(self, assembly: Path) -> dict[str, list[dict[str, Any]]]:
        """Deploys every stack in order; returns the changes of each. Raises StackFailed."""
        self.publish(assembly)
        return {name: self.deploy_stack(name, template) for name, template in stacks_of(assembly)}

    def deploy_stack(self, name: str, template: dict[str, Any], tags: Any = ()) -> list[dict[str, Any]]:
        """Deploys one stack by a change set; returns its changes, none if there is nothing to change."""
        exists = name in self.states()
        key = f"templates/{name}-{time.monotonic_ns()}.json"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=json.dumps(template).encode())
        made = self.cloudformation.create_change_set(
            StackName=name,
            ChangeSetName=f"change-{time.monotonic_ns()}",
            ChangeSetType="UPDATE" if exists else "CREATE",
            TemplateURL=f"{self.engine.url}/{self.bucket}/{key}",
            Capabilities=["CAPABILITY_NAMED_IAM"],
            RoleARN=self.execution_role,
            Tags=list(tags),
        )
        change_set = self._until(
            lambda: self.cloudformation.describe_change_set(ChangeSetName=made["Id"], StackName=name),
            lambda answer: answer["Status"] in ("CREATE_COMPLETE", "FAILED"),
        )
        if change_set["Status"] == "FAILED":
            assert "didn't contain changes" in change_set["StatusReason"] or "No updates" in change_set["StatusReason"]
            return []
        before = len(self.events(name)) if exists else 0
        self.cloudformation.execute_change_set(ChangeSetName=made["Id"], StackName=name)
        self.settled(name)
        state = self.states()[name]
        if state not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise StackFailed(f"{name}: {state}\n{self._failures(name, before)}")
        return [change["ResourceChange"] for change in change_set["Changes"]]

    def destroy(self, name: str) -> None:
        """Deletes a stack. Raises StackFailed."""
        identity = self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
        before = len(self.events(identity))
        self.cloudformation.delete_stack(StackName=name)
        self.settled(identity)
        if name in self.states():
            raise StackFailed(f"{name}: {self.states()[name]}\n{self._failures(identity, before)}")

    def destroy_all(self, assembly: Path) -> None:
        """Deletes an assembly's stacks, the last one first."""
        for name, _ in reversed(stacks_of(assembly)):
            self.destroy(name)

    def states(self) -> dict[str, str]:
        """The status of each stack that is there."""
        pages = self.cloudformation.get_paginator("describe_stacks").paginate()
        return {stack["StackName"]: stack["StackStatus"] for page in pages for stack in page["Stacks"]}

    def events(self, stack: str) -> list[dict[str, Any]]:
        """Events of a stack, the oldest first."""
        pages = self.cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack)
        return [event for page in pages for event in page["StackEvents"]][::-1]

    def resources(self, stack: str) -> dict[str, tuple[str, str]]:
        """Type and physical id of each resource, by logical id."""
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
        return {
            one["LogicalResourceId"]: (one["ResourceType"], one["PhysicalResourceId"])
            for page in pages
            for one in page["StackResourceSummaries"]
            if one["ResourceStatus"] != "DELETE_COMPLETE"
        }

    def _failures(self, stack: str, since: int) -> str:
        failed = [event for event in self.events(stack)[since:] if event["ResourceStatus"].endswith("FAILED")]
        return "\n".join(f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason')}" for one in failed)

    def settled(self, stack: str) -> None:
        self._until(
            lambda: self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"],
            lambda state: not state.endswith("IN_PROGRESS"),
        )

    @staticmethod
    def _until(ask: Any, done: Any, seconds: float = 60.0) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if done(answer := ask()):
                return answer
            time.sleep(0.02)
        raise TimeoutError(f"still {answer}")

    def publish(self, assembly: Path) -> None:
        """Uploads the files that the stacks refer to, each once: its key is the hash of its content."""
        for manifest in assembly.glob("*.assets.json"):
            for asset in json.loads(manifest.read_text())["files"].values():
                keys = {destination["objectKey"] for destination in asset["destinations"].values()} - self._published
                source = assembly / asset["source"]["path"]
                for key in keys:
                    body = _zipped(source) if asset["source"]["packaging"] == "zip" else source.read_bytes()
                    self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
                self._published |= keys


def stacks_of(assembly: Path) -> list[tuple[str, dict[str, Any]]]:
    """Name and template of each stack, in the order of deployment."""
    from stacks.summary import stacks_of as in_order

    return in_order(assembly)  # type: ignore[return-value]


def _zipped(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(_files(folder)):
            archive.write(path, path.relative_to(folder))
    return buffer.getvalue()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
