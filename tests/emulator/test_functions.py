"""Lambda functions: those of a deploy run, with a scrubbed environment and their role's credentials; others do not."""

import base64
import io
import json
import os
import zipfile
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from emulator.process import ACCOUNT, REGION, Engine
from emulator.status import client
from tests.emulator.functions import deploy_function, invoke
from tests.emulator.programs import until

pytestmark = pytest.mark.xdist_group("emulator")

ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"
SHOWS = """
import os, tempfile
def handler(event, context):
    return {"environment": dict(os.environ), "folder": os.getcwd(), "home": os.path.expanduser("~"), "tmp": tempfile.gettempdir()}
"""
WRITES = "open({file!r}, 'w').write('done')\ndef handler(*_): return 'ran'"


def zipped(code: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", code)
    return archive.getvalue()


def test_a_function_knows_nothing_of_the_machine(engine: Engine) -> None:
    deployment = deploy_function(engine, "shows", SHOWS, Environment={"Variables": {"MINE": "x"}})
    try:
        said = invoke(engine, "shows")
        environment = said["environment"]
        assert environment["MINE"] == "x"
        secrets = [*engine.key, "EMULATOR_LOCK", "EMULATOR_SCHEMAS", "GATEWAY_PORT", str(engine.home / "credentials")]
        assert [one for one in secrets if one in json.dumps(environment)] == []
        allowed = ("AWS_", "LAMBDA_", "_LAMBDA", "_X_AMZN", "_MINISTACK_INVOKE_DEPTH")
        others = {key for key in environment if not key.startswith(allowed)}
        assert others <= {
            "MINE",
            "PATH",
            "HOME",
            "TMPDIR",
            "TEST_OUTDIR",
            "NODE_PATH",
            "EMULATOR_PYTHON",
            "EMULATOR_KINDS",
            "LC_CTYPE",
            "_HANDLER",
        }
        assert os.environ["PATH"] not in environment["PATH"]
        folder = Path(said["folder"]).parent
        assert "shows" in folder.name
        assert [Path(said[key]).parent for key in ("home", "tmp")] == [folder, folder]

        session = boto3.session.Session(
            environment["AWS_ACCESS_KEY_ID"],
            environment["AWS_SECRET_ACCESS_KEY"],
            environment["AWS_SESSION_TOKEN"],
            REGION,
        )
        role = deployment.resources("shows")["Role"][1]
        identity = session.client("sts", endpoint_url=environment["AWS_ENDPOINT_URL"]).get_caller_identity()
        assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/shows"
    finally:
        deployment.destroy("shows")


def test_a_function_that_no_deploy_brought_is_not_made(engine: Engine, tmp_path: Path) -> None:
    aws, file = client(engine, "lambda"), tmp_path / "ran"
    code = zipped(WRITES.format(file=str(file)))
    with pytest.raises(ClientError, match=r"AccessDenied.*CloudFormation alone"):
        aws.create_function(
            FunctionName="evil", Runtime="python3.12", Role=ROLE, Handler="index.handler", Code={"ZipFile": code}
        )
    with pytest.raises(ClientError, match="AccessDenied"):
        aws.publish_layer_version(LayerName="evil", Content={"ZipFile": code})
    assert [one["FunctionName"] for one in aws.list_functions()["Functions"]] == []
    # The side door of a workflow that calls other services.
    call = {
        "Type": "Task", "Resource": "arn:aws:states:::aws-sdk:lambda:createFunction", "End": True,
        "Parameters": {
            "FunctionName": "evil", "Runtime": "python3.12", "Role": ROLE, "Handler": "index.handler",
            "Code": {"ZipFile": base64.b64encode(code).decode()},
        },
    }  # fmt: skip
    states = client(engine, "stepfunctions")
    machine = states.create_state_machine(
        name="evil", roleArn=ROLE, definition=json.dumps({"StartAt": "Call", "States": {"Call": call}})
    )["stateMachineArn"]
    run = states.start_execution(stateMachineArn=machine)["executionArn"]
    assert until(lambda: states.describe_execution(executionArn=run)["status"] != "RUNNING")
    assert states.describe_execution(executionArn=run)["status"] == "FAILED"
    states.delete_state_machine(stateMachineArn=machine)
    assert [one["FunctionName"] for one in aws.list_functions()["Functions"]] == []
    assert not file.exists()


def test_a_function_that_was_changed_behind_its_deploy_does_not_run(engine: Engine, tmp_path: Path) -> None:
    aws, file = client(engine, "lambda"), tmp_path / "ran"
    deployment = deploy_function(engine, "changed", "def handler(*_): return 'first'")
    try:
        assert invoke(engine, "changed") == "first"
        with pytest.raises(ClientError, match="AccessDenied"):
            aws.update_function_code(FunctionName="changed", ZipFile=zipped(WRITES.format(file=str(file))))
        evil = {"Variables": {"PYTHONPATH": str(tmp_path)}}
        with pytest.raises(ClientError, match="AccessDenied"):
            aws.update_function_configuration(FunctionName="changed", Environment=evil)
        assert invoke(engine, "changed") == "first"
        deploy_function(engine, "changed", "def handler(*_): return 'second'")
        assert invoke(engine, "changed") == "second"
        version = aws.publish_version(FunctionName="changed")["Version"]
        answer = aws.invoke(FunctionName="changed", Qualifier=version)
        assert json.loads(answer["Payload"].read()) == "second"
        assert not file.exists()
    finally:
        deployment.destroy("changed")


def test_only_the_runtimes_of_this_project_run(engine: Engine, tmp_path: Path) -> None:
    """Others would open a port that asks nobody who they are, or start a container."""
    file = tmp_path / "ran"
    code = f"#!/bin/sh\ntouch {file}\n"
    deployment = deploy_function(engine, "provided", code, Runtime="provided.al2023", Handler="bootstrap")
    try:
        answer = client(engine, "lambda").invoke(FunctionName="provided")
        assert answer.get("FunctionError")
        assert not file.exists()
    finally:
        deployment.destroy("provided")
