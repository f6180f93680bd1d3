"""Where one bad item of a list is a defect, an item beside it that nobody knows does not hide it."""

from typing import Any

import pytest

from tests.responsibility.checks.test_hidden_values import documents, findings

LISTS = {
    "EKR001/bad-halves.yaml": ("Cluster", "ResourcesVpcConfig", "PublicAccessCidrs"),
    "EKR003/bad.yaml": ("Cluster", "ResourcesVpcConfig", "PublicAccessCidrs"),
    "EKR047/bad.yaml": ("Template", "LaunchTemplateData", "BlockDeviceMappings"),
    "EKR049/bad.yaml": ("Template", "LaunchTemplateData", "SecurityGroupIds"),
    "EKR075/bad-nodes-web.yaml": ("Template", "LaunchTemplateData", "NetworkInterfaces", 0, "Groups"),
}


@pytest.mark.parametrize("case", LISTS)
def test_it_stays_open(case: str) -> None:
    code = case.split("/")[0]
    changed = documents(case)
    before = {one.subject for one in findings(code, documents(case)) if one.status == "open"}
    resource, *path = LISTS[case]
    for body in changed:
        body.setdefault("Parameters", {})["HiddenValue"] = {"Type": "String"}
        at: Any = body["Resources"][resource]["Properties"]
        for step in path:
            at = at[step]
        at.insert(0, {"Ref": "HiddenValue"})
    after = {one.subject for one in findings(code, changed) if one.status == "open"}
    assert after
    assert after <= before
