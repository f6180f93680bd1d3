"""The review on the labelled corpus: what it misses, what it claims wrongly, and where it says met and should not."""

from functools import cache

import pytest

from responsibility.checks import all_checks
from tests.accuracy.corpus import pairs
from tests.accuracy.judge import Verdict, verdicts

pytestmark = pytest.mark.xdist_group("accuracy")  # the corpus is reviewed once


@cache
def _verdicts() -> list[Verdict]:
    return verdicts(pairs())


def test_the_corpus_is_large_and_not_only_our_own_fixtures() -> None:
    assert len(pairs()) >= 300
    assert sum(not pair.fixture for pair in pairs()) >= 150


def test_twins_differ_and_their_labels_name_checks() -> None:
    codes = {check.info.code for check in all_checks("templates")}
    for pair in pairs():
        assert pair.bad.documents != pair.good.documents, pair.name
        assert {code for code, _ in pair.bad.true | pair.good.true} <= codes, pair.name


def test_no_defect_is_called_met() -> None:
    assert [one.pair.name for one in _verdicts() if one.false_met] == []


def test_no_clean_twin_is_called_open() -> None:
    assert [one.pair.name for one in _verdicts() if one.twin == "open"] == []


def test_at_least_95_of_100_defects_are_found() -> None:
    missed = [f"{one.pair.code} {one.pair.name}" for one in _verdicts() if not one.found]
    assert len(missed) <= 0.05 * len(pairs()), missed


def test_at_least_98_of_100_claims_are_right() -> None:
    wrong = [claim for one in _verdicts() for claim in one.wrong]
    assert len(wrong) <= 0.02 * sum(len(one.claims) for one in _verdicts()), wrong
