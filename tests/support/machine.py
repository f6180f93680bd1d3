"""What this machine has of the programs that some tests need."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local_kubernetes import control_plane, programs
from local_kubernetes.control_plane import ControlPlane, Options

KUBERNETES = programs.find("1.36")
"""The programs of a Kubernetes API server, if this machine has them."""
NEXT = "1.37"
"""The version after it, for what moves between two."""
NEEDS_CONTROL_PLANE = pytest.mark.skipif(
    not KUBERNETES or bool(KUBERNETES.missing), reason=f"no Kubernetes control plane: {programs.how_to_get()}"
)
NEEDS_API_SERVER = pytest.mark.skipif(not KUBERNETES, reason=f"no kube-apiserver and etcd: {programs.how_to_get()}")


@contextmanager
def api_server(folder: Path) -> Iterator[ControlPlane]:
    """An API server with its etcd alone: nothing acts on what it takes."""
    options = Options(
        flags={control_plane.API: ("--disable-admission-plugins", "ServiceAccount")},
        parts=(control_plane.ETCD, control_plane.API),
    )
    with control_plane.running("1.36", folder, options=options) as started:
        yield started


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")

TRESTLE = Path(__file__).parents[2] / ".venv-checkov/bin/python"
"""The Python that has compliance-trestle."""
