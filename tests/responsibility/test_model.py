"""The model is complete, and says where each cell comes from."""

import re
from datetime import date

import pytest

from responsibility.model import COMPUTE_KINDS, GROUPS, OWNERS, Component, components

ROWS = list(components().values())
# AWS's documentation, and the Kubernetes project's.
PAGES = re.compile(r"https://(docs\.aws\.amazon\.com|aws\.amazon\.com|kubernetes\.io)/\S+")


def test_at_least_thirty_components_from_the_control_plane_outwards() -> None:
    assert len(ROWS) >= 30
    groups = [row.group for row in ROWS]
    assert groups == sorted(groups, key=list(GROUPS).index)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_cell_is_whole_and_has_a_source(row: Component) -> None:
    assert set(row.cells) == set(COMPUTE_KINDS)
    assert row.what.endswith(".")
    assert len(row.name) <= 32
    for kind, cell in row.cells.items():
        assert cell.owner in OWNERS
        assert PAGES.fullmatch(cell.source), (kind, cell.source)
        assert isinstance(cell.checked, date)
        assert date(2026, 11, 1) <= cell.checked
        for sentence in (cell.aws, cell.you):
            assert sentence.endswith("."), (kind, sentence)
            assert len(sentence) <= 250, (kind, sentence)


def test_kinds_of_compute_differ() -> None:
    """The model answers "what do I own on EC2 that I don't on Auto Mode"."""
    mine = {"customer", "shared"}
    only_on_ec2 = [
        row.id for row in ROWS if row.cells["managed_nodes"].owner in mine and row.cells["auto_mode"].owner == "aws"
    ]
    assert {"kubelet", "operating-system", "ami", "pod-networking", "cluster-dns"} <= set(only_on_ec2)


@pytest.mark.parametrize("missing", ["source", "you", "checked"])
def test_a_cell_without_a_source_is_refused(missing: str) -> None:
    from responsibility.model import _component

    cell = {
        "owner": "aws",
        "aws": "Runs it.",
        "you": "Nothing.",
        "source": "https://docs.aws.amazon.com/x",
        "checked": date(2026, 11, 24),
    }
    row = {"id": "x", "name": "x", "what": "x.", "cells": {kind: dict(cell) for kind in COMPUTE_KINDS}}
    assert _component(row, "vpc").cells["fargate"].owner == "aws"
    del row["cells"]["fargate"][missing]  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="component x, cell fargate"):
        _component(row, "vpc")
