"""What keeps a pod off nodes."""

import pytest

from eks_facts.node_selection import ARCHITECTURE, keeps_off

TERMS = ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")


def affinity(*terms):
    expressions = [
        {"matchExpressions": [{"key": key, "operator": operator, "values": values} for key, operator, values in term]}
        for term in terms
    ]
    return {"affinity": {"nodeAffinity": {TERMS[2]: {TERMS[3]: expressions}}}}


ARM, BOTH, NOT_X86 = (
    (ARCHITECTURE, "In", ["arm64"]),
    (ARCHITECTURE, "In", ["amd64", "arm64"]),
    (ARCHITECTURE, "NotIn", ["amd64"]),
)
ZONE = ("topology.kubernetes.io/zone", "In", ["arm64"])


@pytest.mark.parametrize(
    ("pod", "field"),
    [
        ({}, None),
        ({"nodeSelector": None, "affinity": None}, None),
        ({"nodeSelector": {ARCHITECTURE: "amd64"}}, None),
        ({"nodeSelector": {ARCHITECTURE: "arm64"}}, ("nodeSelector", ARCHITECTURE)),
        (affinity([BOTH]), None),
        (affinity([ZONE]), None),
        (affinity([ARM]), (*TERMS, 0, "matchExpressions", 0)),
        (affinity([ZONE, NOT_X86]), (*TERMS, 0, "matchExpressions", 1)),
        (affinity([BOTH, NOT_X86]), (*TERMS, 0, "matchExpressions", 1)),
        (affinity([ARM], [BOTH]), None),
        (affinity([ARM], [NOT_X86]), (*TERMS, 0, "matchExpressions", 0)),
        (affinity([(ARCHITECTURE, "Exists", [])]), None),
        (affinity([(ARCHITECTURE, "DoesNotExist", [])]), (*TERMS, 0, "matchExpressions", 0)),
        # A preference keeps it off nothing.
        ({"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1}]}}}, None),
    ],
)
def test_what_keeps_a_pod_off_x86(pod, field):
    assert keeps_off(pod, ARCHITECTURE, ("amd64",)) == field
