"""An error for a person."""

from safe_io.errors import BadInput


class Problem(BadInput):
    """The command cannot go on."""
