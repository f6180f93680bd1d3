"""Lambda functions: deployed code runs with its role's credentials and without this machine's environment.

A function that was made or changed by a request of its own is refused: a deploy is what the person asked for.
"""

import hashlib
import json
import os
import re
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emulator.engine import port
from emulator.engine.confinement import allowed

PASSED_ON = frozenset({"NODE_PATH", "EMULATOR_PYTHON", "EMULATOR_KINDS"})
"""Variables of the engine's environment that a function gets, besides PATH."""

_CHANGES = re.compile(
    r"POST /[0-9-]+/functions/?|PUT /[0-9-]+/functions/[^/]+/(code|configuration)/?|POST /[0-9-]+/layers/[^/]+/versions/?"
)
_deployed: set[str] = set()
_sessions: dict[tuple[str, str], dict[str, str]] = {}


def install() -> None:
    """Registers this with ministack."""
    handlers = port.resource_handlers["AWS::Lambda::Function"]
    port.resource_handlers["AWS::Lambda::Function"] = {
        **handlers, "create": _remembered(handlers["create"]), "update": _remembered(handlers["update"]),
    }  # fmt: skip
    for worker in ("start_worker", "start_provided_worker"):
        port.replace(worker, _only_deployed)
    port.replace("execution_credentials", lambda _: _credentials)
    port.replace("lambda_programs", lambda _: _Programs("subprocess"))
    port.replace("answer_lambda", _without_changes)


def _remembered(handler: Any) -> Any:
    """Makes or updates a function, and remembers it as deployed."""

    def run(*arguments: Any) -> Any:
        name, attributes = handler(*arguments)
        function = port.functions[name]
        _deployed.add(_fingerprint(function["config"], function["code_zip"]))
        return name, attributes

    return run


def _fingerprint(config: Mapping[str, Any], code: bytes | None) -> str:
    """Returns a key of a function's code and how it is started."""
    parts = ("FunctionName", "Runtime", "Handler", "Role", "Environment", "Layers")
    described = json.dumps([config.get(part) for part in parts], sort_keys=True, default=str)
    return hashlib.sha256(described.encode() + hashlib.sha256(code or b"").digest()).hexdigest()


def _only_deployed(spawn: Any) -> Any:
    def run(worker: Any, *arguments: Any, **options: Any) -> Any:
        if _fingerprint(worker.config, worker.code_zip) not in _deployed:
            raise RuntimeError(f"{worker.func_name} was not deployed by CloudFormation: the local AWS does not run it")
        return spawn(worker, *arguments, **options)

    return run


def _without_changes(handle: Any) -> Any:
    """Refuses requests that upload code."""

    async def run(method: str, path: str, *rest: Any) -> Any:
        if _CHANGES.fullmatch(f"{method} {path}"):
            text = "The local AWS takes functions and layers from CloudFormation alone: it runs what a deploy creates"
            body = json.dumps({"__type": "AccessDeniedException", "Message": text}).encode()
            return 403, {"Content-Type": "application/json", "x-amzn-errortype": "AccessDeniedException"}, body
        return await handle(method, path, *rest)

    return run


def _credentials(config: Mapping[str, Any]) -> dict[str, str]:
    """Returns a session of the function's role, as AWS gives it; ministack's could be computed from its names."""
    arn, role = str(config["FunctionArn"]), str(config.get("Role", ""))
    arn = ":".join(arn.split(":")[:7])  # of every version
    if (arn, role) not in _sessions:
        account, name = arn.split(":")[4], arn.split(":")[6]
        made = {
            "AWS_ACCESS_KEY_ID": f"ASIA{secrets.token_hex(8).upper()}",
            "AWS_SECRET_ACCESS_KEY": secrets.token_urlsafe(30),
            "AWS_SESSION_TOKEN": secrets.token_urlsafe(96),
        }
        role_name = role.rsplit("/", 1)[-1]
        port.register_session(
            made["AWS_ACCESS_KEY_ID"],
            {
                "Arn": f"arn:aws:sts::{account}:assumed-role/{role_name}/{name[:64]}",
                "UserId": f"{role_name}:{name[:64]}",
                "SecretAccessKey": made["AWS_SECRET_ACCESS_KEY"],
                "SessionToken": made["AWS_SESSION_TOKEN"],
            },
        )
        _sessions[arn, role] = made
    return _sessions[arn, role]


class _Programs(type(os)):  # type: ignore[misc]
    """``subprocess`` as ministack's Lambda runtime sees it: what it starts has a scrubbed environment."""

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    @staticmethod
    def Popen(command: list[str], *, cwd: str, env: Mapping[str, str], **options: Any) -> Any:  # noqa: N802 - subprocess's name
        """Starts a function's process, whose home and temporary files are in a folder of its own."""
        folder = Path(cwd).parent
        own = {name: folder / name for name in ("home", "tmp")}
        for path in own.values():
            path.mkdir(exist_ok=True)
        kept = {key: value for key, value in env.items() if key in PASSED_ON or os.environ.get(key) != value}
        places = {
            "PATH": os.environ["EMULATOR_FUNCTIONS_PATH"],
            "HOME": str(own["home"]),
            "TMPDIR": str(own["tmp"]),
            "TEST_OUTDIR": str(own["tmp"]),  # where the CDK's kubectl handler writes
        }
        with allowed():
            return subprocess.Popen(command, cwd=cwd, env={**kept, **places}, **options)  # noqa: S603 - of a deploy
