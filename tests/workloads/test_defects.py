"""Whether the checks of manifests find what they are for, and leave alone what is sound."""

import copy
from pathlib import Path

import pytest

from kubernetes_lint import lint
from tests.workloads import checks
from tests.workloads.defects import BASE, FILES, base, read

VERSION = "1.36"
IN_PROCESS = [path for path in FILES if read(path).checker != "checkov"]


def test_there_are_many() -> None:
    assert len(FILES) >= 24
    assert {read(path).checker for path in FILES} == {
        "schema",
        "yamllint",
        "reference",
        "value",
        "pod_security",
        "ours",
        "checkov",
    }


def test_the_shop_they_are_made_from_is_sound() -> None:
    assert checks.found(base(), VERSION) == []
    assert list(checks.lint_text(BASE.read_text())) == []


@pytest.mark.parametrize("path", IN_PROCESS, ids=lambda path: path.stem)
def test_a_defect_is_found_and_nothing_else(path: Path) -> None:
    defect = read(path)
    said = [problem.partition(": ")[2] for problem in checks.lint_text(defect.text)]
    if defect.checker == "yamllint":
        assert said == [defect.message]
    else:
        assert said == []
        assert set(checks.found(defect.objects, VERSION)) == {(defect.checker, defect.message)}


@pytest.mark.parametrize("odd", [None, "", [], {}, [None], {"a": None}, "${X}", 10**30, [[]]], ids=repr)
def test_no_shape_stops_the_linter(odd: object) -> None:
    """What people write may have any shape; each object's every second key is of another one."""
    objects = base()
    for number, item in enumerate(objects):
        keys = [key for key in item if key not in ("apiVersion", "kind")]
        item[keys[number % len(keys)]] = copy.deepcopy(odd)
    assert all(str(problem) for problem in lint(objects, VERSION))
    for item in objects:
        spec = item.get("spec")
        if isinstance(spec, dict):
            item["spec"] = {key: copy.deepcopy(odd) for key in spec}
    assert all(str(problem) for problem in lint(objects, VERSION))
