"""Pages that are written from data are as the data says today."""

from pathlib import Path

import pytest

from responsibility import reference
from responsibility.model.labs import labs

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("page", "command", "text"),
    [
        ("docs/checks.md", "checks --format md --output docs/checks.md", lambda: reference.checks("md")),
        ("docs/matrix.md", "matrix --format md --output docs/matrix.md", lambda: reference.matrix([], [], "md")),
    ],
)
def test_generated_pages_are_current(page: str, command: str, text: object) -> None:
    assert callable(text)
    assert (ROOT / page).read_text() == text(), f"run `python -m responsibility {command}`"


def test_labs_stand_where_the_index_says() -> None:
    for lab in labs():
        assert (ROOT / lab.path).is_file()
        assert lab.components
