"""The peer: the npm package that peer/package.json pins, in a folder of its own."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from stacks.node import pinned_node

FOLDER = Path(__file__).parent / "peer"
PACKAGE = "@aws-quickstart/eks-blueprints"


class PeerMissing(Exception):
    """The peer could not be installed. Its text says why."""


def node() -> str:
    """Returns the Node binary that app.py uses too, without the Python wrapper that the venv's bin has."""
    return pinned_node() or shutil.which("node") or "node"


def set_up() -> None:
    """Installs the peer, once, as its lock file says. Raises PeerMissing."""
    lock, installed = FOLDER / "package-lock.json", FOLDER / "node_modules/.package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    print(f"Setting up {PACKAGE} (once, 520 MB)", flush=True)
    npm = Path(sys.executable).parent / "npm"
    try:
        subprocess.run(
            [
                str(npm) if npm.exists() else "npm",
                "ci",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
            ],
            cwd=FOLDER,
            check=True,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        raise PeerMissing("npm is not installed; make setup installs it") from None
    except subprocess.CalledProcessError as failure:
        raise PeerMissing(f"npm ci failed in {FOLDER}: {(failure.stderr or failure.stdout).strip()[-600:]}") from None


def versions() -> str:
    """Returns the versions of the peer and of its CDK."""
    packages = json.loads((FOLDER / "package-lock.json").read_text())["packages"]
    return f"{PACKAGE} {packages[f'node_modules/{PACKAGE}']['version']}, aws-cdk-lib {packages['node_modules/aws-cdk-lib']['version']}"
