"""The first inputs of every fuzz target: the same in each run."""

import pytest

from tests.fuzz.driver import Target, play, targets


@pytest.mark.parametrize("target", targets(), ids=lambda target: target.name)
def test_every_input_ends_in_a_result_or_in_a_message(target: Target) -> None:
    results = [play(target, seed) for seed in range(target.cases)]
    assert any(results), "some inputs are still good, or what comes after the reading is never played"
    assert target.refuses is not all(results), "some inputs are refused, where the target says so"
