"""Quantities of Kubernetes, as its own parser reads them, and what pods request."""

from fractions import Fraction
from typing import Any

import pytest

from eks_facts.quantities import UnreadableQuantity, quantity, requested


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("250m", Fraction(1, 4)),
        ("1", 1),
        (0.5, Fraction(1, 2)),
        (2, 2),
        ("1Gi", 2**30),
        ("512Ki", 2**19),
        ("1.5Mi", 3 * 2**19),
        ("1e3", 1000),
        ("200e9", 200 * 10**9),
        ("1E-3", Fraction(1, 1000)),
        ("1E", 10**18),
        ("1Ei", 2**60),
        ("1k", 1000),
        ("5.", 5),
        (".5G", 5 * 10**8),
        ("+3", 3),
        ("100n", Fraction(1, 10**7)),
    ],
)
def test_quantities(text: object, value: Fraction) -> None:
    assert quantity(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "much", "1K", "1 Gi", "Gi", "1e", "1e3Gi", "1gi", "1Gi\n", "--1", "٣", None, True, [], "1e999", "9" * 99],
)
def test_what_is_not_a_quantity_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        quantity(text)


def container(cpu: object = None, limit: object = None, **more: Any) -> dict[str, Any]:
    groups = {"requests": cpu, "limits": limit}
    return {"resources": {name: {"cpu": value} for name, value in groups.items() if value is not None}, **more}


SIDECAR = {"restartPolicy": "Always"}


@pytest.mark.parametrize(
    ("spec", "cpu"),
    [
        ({"containers": []}, 0),
        ({"containers": [{"resources": None}, {}]}, 0),
        ({"containers": [container("100m"), container("0.2")]}, Fraction(3, 10)),
        ({"containers": [container(limit="2")]}, 2),
        ({"containers": [container("0", limit="2")]}, 0),
        ({"containers": [container("1")], "initContainers": [container("3"), container("2")]}, 3),
        ({"containers": [container("1")], "initContainers": [container("3", **SIDECAR)]}, 4),
        ({"containers": [container("1")], "initContainers": [container("1", **SIDECAR), container("3")]}, 4),
        ({"containers": [container("1")], "initContainers": [container("3"), container("1", **SIDECAR)]}, 3),
        ({"containers": [container("1")], "overhead": {"cpu": "250m"}}, Fraction(5, 4)),
        ({"containers": [container("1")], "resources": {"requests": {"cpu": "4"}}}, 4),
        ({"containers": [container("1")], "resources": {"limits": {"cpu": "4"}}}, 1),
        ({"containers": [{}], "resources": {"limits": {"cpu": "4"}}, "overhead": {"cpu": "1"}}, 5),
    ],
)
def test_what_a_pod_requests(spec: dict[str, Any], cpu: Fraction) -> None:
    assert requested(spec, "cpu") == cpu


@pytest.mark.parametrize(
    ("spec", "where"),
    [
        ({"containers": "all"}, ("containers",)),
        ({"containers": [{}, 3]}, ("containers", 1)),
        ({"containers": [{"resources": {"requests": []}}], "overhead": []}, ("containers", 0, "resources", "requests")),
        ({"containers": [{}], "resources": {"requests": {"cpu": "much"}}}, ("resources", "requests", "cpu")),
        ({"initContainers": [container("much")]}, ("initContainers", 0, "resources", "requests", "cpu")),
    ],
)
def test_an_unreadable_pod_says_where(spec: dict[str, Any], where: tuple[str | int, ...]) -> None:
    with pytest.raises(UnreadableQuantity) as found:
        requested(spec, "cpu")
    assert found.value.where == where
