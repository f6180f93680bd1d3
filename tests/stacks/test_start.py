"""app.py starts: the CDK and pydantic are imported side by side, and neither import can wait for the other."""

import json
import subprocess
import sys

from tests.support.environments import ROOT

NEW_MODULES = """
import json, sys
import app
at_start = set(sys.modules)
import {before}
there = set(sys.modules)
import {name}
print(json.dumps([sorted(at_start), sorted(set(sys.modules) - there)]))
"""


def new_modules(name: str, *, before: str) -> tuple[set[str], set[str]]:
    """Returns what app.py has imported before it does anything, and what ``name`` adds to that and to ``before``."""
    program = NEW_MODULES.format(name=name, before=before)
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    at_start, added = json.loads(done.stdout)
    return set(at_start), set(added)


def test_the_two_imports_have_no_module_in_common() -> None:
    at_start, cdk = new_modules("aws_cdk", before="jsii")
    _, pydantic = new_modules("pydantic.main", before="jsii")
    assert "aws_cdk" in cdk
    assert "pydantic.main" in pydantic
    assert not cdk & pydantic
    assert not at_start & {"aws_cdk", "jsii", "pydantic"}, "nothing is left to import side by side"
