"""What is wrong with what somebody gave: said in one line, with exit code 2."""


class BadSource(Exception):
    """Something that cannot be reviewed. Its text is for the person who named it."""
