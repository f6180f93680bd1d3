"""How a command ends: exit codes, one line, a traceback for those who ask."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environments import ROOT

PROGRAM = """
import os, sys
from safe_io.errors import BadInput, run
def main():
    {body}
sys.exit(run(main, program="python -m thing"))
"""


def ended(body: str, *arguments: str, **env: str) -> tuple[int, str, str]:
    command = [sys.executable, "-c", PROGRAM.format(body=body), *arguments]
    done = subprocess.run(command, cwd=ROOT, env={"PATH": "", **env}, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_results_and_bad_input() -> None:
    body = "\n    ".join(
        ("print(sys.argv[1:])", "if 'bad' in sys.argv: raise BadInput('x.yaml:1: is bad')", "return 1")
    )
    assert ended(body, "a", "--debug", "b") == (1, "['a', 'b']\n", "")
    assert ended(body, "bad") == (2, "['bad']\n", "x.yaml:1: is bad\n")
    assert ended("return None") == (0, "", "")
    assert ended("sys.exit(5)")[0] == 5


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("{}['secret']", "KeyError"),
        ("raise RecursionError", "RecursionError"),
        ("raise MemoryError", "MemoryError"),
        ("raise OSError('no file')", "OSError"),
        ("raise type('Strange', (BaseException,), {})('secret')", "Strange"),
    ],
)
def test_a_defect_of_ours_is_one_line_and_70(body: str, name: str) -> None:
    code, stdout, stderr = ended(body)
    assert (code, stdout) == (70, "")
    (line,) = stderr.splitlines()
    assert line.startswith(f"python -m thing: {name} at ")
    assert "this is a defect of ours" in line
    assert "secret" not in line


def test_debug_shows_the_traceback() -> None:
    for arguments, env in ((["--debug"], {}), ([], {"EKS_DEBUG": "1"})):
        code, _, stderr = ended("raise KeyError(5)", *arguments, **env)
        assert code == 70
        assert "Traceback" in stderr
    assert "Traceback" not in ended("raise KeyError(5)", EKS_DEBUG="0")[2]


def test_the_machine_is_not_a_defect(tmp_path: Path) -> None:
    missing = tmp_path / "none"
    assert ended(f"open({str(missing)!r})") == (2, "", f"python -m thing: '{missing}': No such file or directory\n")
    assert ended("raise KeyboardInterrupt") == (130, "", "Interrupted.\n")
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(body="print('x' * 10**6)")],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr
        assert process.stderr.read() == b""
        assert process.wait() == 141
