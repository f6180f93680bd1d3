"""Versions, to compare by."""

import re


def order(version: object) -> list[int]:
    """Returns the numbers of a version: ``v1.2.3-eksbuild.4`` as 1, 2, 3, 4."""
    return [int(part) for part in re.findall(r"\d{1,18}", str(version))]
