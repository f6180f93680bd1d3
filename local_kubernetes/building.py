"""Builds the programs with Go from the modules in build/, whose go.sum pins every source."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from local_kubernetes.programs import BUILD, Say, releases
from safe_io.errors import BadInput

_KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
_LINES = 12
"""Lines of Go's own message that are worth showing."""


def build(minor: str, folder: Path, say: Say) -> None:
    """Builds everything into ``folder``, or nothing. Takes about ten minutes of processor time, once.

    Raises BadInput: no Go, or it fails.
    """
    go = shutil.which("go")
    if go is None:
        raise BadInput("Go is not installed, so nothing can be built (https://go.dev/doc/install).")
    with filling(folder) as work:
        version = releases(minor)["kubernetes"]
        major, minor_number, _ = version.split(".")
        stamps = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor_number, "gitTreeState": "clean"}
        flags = " ".join(f"-X k8s.io/component-base/version.{key}={value}" for key, value in stamps.items())
        say(f"Building Kubernetes {version} with Go (once; about ten minutes of processor time)")
        with TemporaryDirectory() as sources:
            for file in (BUILD / "kubernetes" / "main.go", *(BUILD / "kubernetes" / minor).glob("go.*")):
                shutil.copy(file, sources)
            _go(go, Path(sources), work / "kubernetes", ".", flags)
        for name in _KUBERNETES:
            (work / name).symlink_to("kubernetes")
        for name, package in (("etcd", "go.etcd.io/etcd/server/v3"), ("kwok", "sigs.k8s.io/kwok/cmd/kwok")):
            say(f"Building {name} {releases(minor)[name]} with Go")
            _go(go, BUILD / name, work / name, package)


def _go(go: str, module: Path, output: Path, package: str, flags: str = "") -> None:
    command: Sequence[str] = (
        go, "build", "-mod=readonly", "-trimpath", "-ldflags", f"-s -w {flags}".strip(), "-o", str(output), package,
    )  # fmt: skip
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off"}
    done = subprocess.run(  # noqa: S603 (Go, with our arguments)
        command, cwd=module, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BadInput(f"go build {package} failed:\n" + "\n".join(done.stderr.strip().splitlines()[-_LINES:]))


@contextmanager
def filling(folder: Path) -> Iterator[Path]:
    """Yields an empty folder that takes the place of ``folder`` when it is complete. What fails leaves nothing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temporary:
        work = Path(temporary) / "programs"
        work.mkdir()
        yield work
        try:
            work.rename(folder)
        except OSError:
            if not folder.is_dir():  # or another process was faster, with the same content
                raise
