"""What hangs in a test says where, and leaves no process."""

import os
import sys
from pathlib import Path

import pytest

from tests.support.processes import Hangs, finished

INNER = "import time, sys\ndef waits_for_ever():\n    time.sleep(600)\nwaits_for_ever()\n"


def test_what_hangs_is_shown_and_killed(tmp_path: Path) -> None:
    (tmp_path / "inner.py").write_text(INNER)
    script = f"echo the first step; echo $$ > pid; {sys.executable} inner.py; echo never"
    with pytest.raises(Hangs) as raised:
        finished(["bash", "-c", script], cwd=tmp_path, env=dict(os.environ), seconds=5)
    text = str(raised.value)
    assert "the first step" in text
    assert "inner.py" in text
    assert "in waits_for_ever" in text, "the stack of the Python that hangs"
    with pytest.raises(ProcessLookupError):
        os.killpg(int((tmp_path / "pid").read_text()), 0)


def test_what_ends_returns_its_code_and_output(tmp_path: Path) -> None:
    done = finished(["bash", "-c", "echo out; echo error >&2; exit 3"], cwd=tmp_path, env=dict(os.environ), seconds=60)
    assert (done.returncode, done.output) == (3, "out\nerror\n")
