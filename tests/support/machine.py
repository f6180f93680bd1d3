"""What this machine has of the programs that some tests need."""

import shutil
from pathlib import Path

import pytest

from local_kubernetes import programs

KUBERNETES = programs.find("1.36")
"""The programs of a Kubernetes API server, if this machine has them."""
NEXT = "1.37"
"""The version after it, for what moves between two."""
NEEDS_CONTROL_PLANE = pytest.mark.skipif(
    not KUBERNETES or bool(KUBERNETES.missing), reason=f"no Kubernetes control plane: {programs.how_to_get()}"
)
NEEDS_BOTH_VERSIONS = pytest.mark.skipif(
    not all((found := programs.find(one)) and not found.missing for one in ("1.36", NEXT)),
    reason=f"no control planes of Kubernetes 1.36 and {NEXT}: {programs.how_to_get()}",
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")

TRESTLE = Path(__file__).parents[2] / ".venv-checkov/bin/python"
"""The Python that has compliance-trestle."""
