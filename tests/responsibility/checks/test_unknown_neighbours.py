"""Where one bad item of a list is a defect, an item beside it that nobody knows does not hide it."""

from typing import Any

import pytest

from responsibility.reading.template import parse
from tests.responsibility.checks.test_every_check import CHECKS, FIXTURES
from tests.support import hiding

LISTS = {
    "EKR001/bad-halves.yaml": ("Cluster", "ResourcesVpcConfig", "PublicAccessCidrs"),
    "EKR003/bad.yaml": ("Cluster", "ResourcesVpcConfig", "PublicAccessCidrs"),
    "EKR047/bad.yaml": ("Template", "LaunchTemplateData", "BlockDeviceMappings"),
    "EKR049/bad.yaml": ("Template", "LaunchTemplateData", "SecurityGroupIds"),
    "EKR075/bad-nodes-web.yaml": ("Template", "LaunchTemplateData", "NetworkInterfaces", 0, "Groups"),
}


def _open(code: str, documents: list[Any]) -> set[str]:
    return {one.subject for one in hiding.findings([CHECKS[code]], documents) if one.status == "open"}


@pytest.mark.parametrize("case", LISTS)
def test_it_stays_open(case: str) -> None:
    code = case.split("/")[0]
    text = (FIXTURES / case).read_text()
    before = _open(code, parse(text, case))
    changed = parse(text, case)
    resource, *path = LISTS[case]
    for body in changed:
        body.setdefault("Parameters", {})["HiddenValue"] = {"Type": "String"}
        at: Any = body["Resources"][resource]["Properties"]
        for step in path:
            at = at[step]
        at.insert(0, {"Ref": "HiddenValue"})
    after = _open(code, changed)
    assert after
    assert after <= before
