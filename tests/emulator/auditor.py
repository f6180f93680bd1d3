"""Runs the command line of responsibility against an engine, in this process."""

import gc
import sys
from pathlib import Path

import pytest

from emulator.process import Engine
from responsibility.cli import commands as cli
from responsibility.document import Review


class Auditor:
    """Runs a command, the audit where no other is named."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        self._monkeypatch, self._capsys, self._file = monkeypatch, capsys, tmp_path / "audit.json"
        self.said = self.printed = ""

    def code(self, engine: Engine, *arguments: str, command: str = "audit") -> int:
        """Returns the exit code; what it printed to stderr is in ``said``, to stdout in ``printed``."""
        for key, value in engine.environment().items():
            if key.startswith("AWS_") or key.lower() == "no_proxy":
                self._monkeypatch.setenv(key, value)
        self._monkeypatch.setattr(sys, "argv", ["responsibility", command, *arguments])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        gc.enable()  # the command line has turned it off, for good
        self.printed, self.said = self._capsys.readouterr()
        return int(ended.value.code or 0)

    def __call__(self, engine: Engine, *arguments: str) -> Review:
        """Returns the document."""
        assert self.code(engine, "-o", str(self._file), "--fail-on", "never", *arguments) == 0, self.said
        return Review.model_validate_json(self._file.read_text())
