"""An environment's own Python module: `platform.py` beside `platform.yaml`, for what no key of the file says."""

import importlib.util
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from safe_io.errors import BadInput, debugging
from safe_io.terminal import one_line

if TYPE_CHECKING:
    from stacks.platform import Platform

HOOK = "customize"


def module_of(environment: Path) -> Path:
    """Returns the file of an environment's module, whether it is there or not."""
    return environment.with_suffix(".py")


def customize(environment: Path, platform: "Platform") -> None:
    """Calls `customize(platform)` of the environment's module, if it has one. The overrides of the file and the checks follow.

    Args:
        environment: the file of the environment.
        platform: its finished stacks.

    Raises:
        BadInput: the module has no such function, or raised something; with file and line.
    """
    file = module_of(environment)
    if not file.is_file():
        return
    # A name of its own: `platform` is a module of Python's.
    name = "environment_module_" + "".join(one if one.isalnum() else "_" for one in environment.stem)
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise BadInput(one_line(f"{file}: is not a Python module"))
    module = importlib.util.module_from_spec(spec)
    sys.path.append(str(file.parent.resolve()))  # last: modules beside it, but none in place of Python's own
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        hook = getattr(module, HOOK, None)
        if not callable(hook):
            raise BadInput(one_line(f"{file}:1: has no function {HOOK}(platform); docs/library.md shows one"))
        hook(platform)
    except BadInput:
        raise
    except SyntaxError as problem:
        raise BadInput(one_line(f"{problem.filename}:{problem.lineno}: {problem.msg}")) from None
    except Exception as problem:
        if debugging():
            traceback.print_exc()
        raise BadInput(one_line(f"{_line(problem, file)}: {type(problem).__name__}: {problem}")) from None
    finally:
        sys.path.remove(str(file.parent.resolve()))


def _line(problem: Exception, file: Path) -> str:
    """Returns the innermost line of the module, or of one beside it, that led to a problem."""
    folder = file.parent.resolve()
    frames = [
        one for one in traceback.extract_tb(problem.__traceback__) if Path(one.filename).resolve().parent == folder
    ]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else f"{file}:1"
