"""Runs the audit against an engine, and deploys what it is to read."""

import sys
from pathlib import Path

import pytest

from emulator.process import Engine
from responsibility.cli import commands as cli
from responsibility.document import Review
from tests.conftest import build_platform, environment_data, validated
from tests.emulator.deployment import Deployment


def deploy_demo(engine: Engine, outdir: Path) -> Path:
    """Deploys environments/demo.yaml; returns its assembly."""
    data = environment_data("demo")
    for cluster in data["clusters"]:
        cluster["delivery"] = "files"
    build_platform(validated(data), outdir, staging=True)
    Deployment(engine).deploy(outdir)
    return outdir


class Auditor:
    """Runs the command line against an engine, in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        self._monkeypatch, self._capsys, self._file = monkeypatch, capsys, tmp_path / "audit.json"
        self.said = ""

    def code(self, engine: Engine, *arguments: str) -> int:
        """Returns the exit code; what it printed to stderr is in ``said``."""
        for key, value in engine.environment().items():
            if key.startswith("AWS_") or key.lower() == "no_proxy":
                self._monkeypatch.setenv(key, value)
        self._monkeypatch.setattr(sys, "argv", ["responsibility", "audit", *arguments])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        self.said = self._capsys.readouterr().err
        return int(ended.value.code or 0)

    def __call__(self, engine: Engine, *arguments: str) -> Review:
        """Returns the document."""
        assert self.code(engine, "-o", str(self._file), "--fail-on", "never", *arguments) == 0, self.said
        return Review.model_validate_json(self._file.read_text())
