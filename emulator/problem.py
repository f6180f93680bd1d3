"""What goes wrong, told to a person."""


class Problem(Exception):
    """The command cannot go on. Its text says what was found and what to do."""
