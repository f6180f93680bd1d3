"""app.py, as the CDK CLI calls it: in a process of its own, or in this one, which is quicker."""

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import app
from safe_io.errors import run
from tests.support.environments import ROOT


@dataclass(frozen=True)
class Ended:
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


def _variables(folder: Path, context: dict[str, Any]) -> dict[str, str]:
    return {"CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(folder)}


def front_door(folder: Path, **context: Any) -> Ended:
    """Synthesises into ``folder`` in this process, without the checks unless the context says otherwise."""
    context = {"checks": "off", "aws:cdk:disable-asset-staging": True, **context}
    out, error = io.StringIO(), io.StringIO()
    with patch.dict(os.environ, _variables(folder, context)), redirect_stdout(out), redirect_stderr(error):
        code = run(app.main, program="app.py")
    return Ended(code, out.getvalue(), error.getvalue())


def front_door_process(folder: Path, **context: Any) -> Ended:
    """The same as the whole program."""
    environment = {**os.environ, **_variables(folder, {"checks": "off", **context})}
    done = subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True)
    return Ended(done.returncode, done.stdout, done.stderr)
