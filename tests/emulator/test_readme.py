"""emulator/README.md says what the code knows."""

import pytest

from emulator.readme import README, with_tables

pytestmark = pytest.mark.xdist_group("emulator-process")


def test_the_tables_are_of_today() -> None:
    assert with_tables(README.read_text()) == README.read_text(), "run `python -m emulator readme`"
