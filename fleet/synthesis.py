"""Synthesises one environment of a fleet in a process of its own, as every command of a fleet does."""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_ROOT = Path(__file__).parents[1]
Run = Callable[[Sequence[str], Mapping[str, str]], int]


def synthesise(environment: Path, folder: Path, run: Run, *, checks: bool = False) -> int:
    """Writes the assembly of an environment file into ``folder``; returns the exit code of the synth."""
    context = {"env": str(environment), "checks": "on" if checks else "off"}
    child = {**os.environ, "CDK_OUTDIR": str(folder), "CDK_CONTEXT_JSON": json.dumps(context)}
    return run([sys.executable, str(_ROOT / "app.py")], child)
