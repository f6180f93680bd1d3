"""Lambda functions in an engine, brought by a stack."""

import json
from typing import Any

from emulator.process import Engine
from emulator.status import client
from tests.emulator.deployment import Deployment

ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ]
        }
    },
}


def deploy_function(engine: Engine, name: str, code: str, **properties: Any) -> Deployment:
    """Deploys a stack of the function's name, with the function and its role."""
    function = {
        "FunctionName": name, "Runtime": "python3.12", "Handler": "index.handler", "Timeout": 30,
        "Role": {"Fn::GetAtt": ["Role", "Arn"]}, "Code": {"ZipFile": code}, **properties,
    }  # fmt: skip
    template = {"Resources": {"Role": ROLE, "Function": {"Type": "AWS::Lambda::Function", "Properties": function}}}
    deployment = Deployment(engine)
    change = (
        deployment.cloudformation.update_stack
        if name in deployment.states()
        else deployment.cloudformation.create_stack
    )
    change(StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"])
    deployment.settled(name)
    assert deployment.states()[name] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    return deployment


def invoke(engine: Engine, name: str) -> Any:
    """What the function returned, or the error."""
    return json.loads(client(engine, "lambda").invoke(FunctionName=name)["Payload"].read())
