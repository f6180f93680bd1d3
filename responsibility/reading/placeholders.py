"""What programs that fill in templates and manifests leave for later: the marks of macros, envsubst, Helm and their like."""

from __future__ import annotations

import re

MARKS = re.compile(
    r"~~[^~\s]{1,200}~~|@@[^@\s]{1,200}@@|%%[^%\s]{1,200}%%|##[^#\s]{1,200}##|<%[^%]{1,200}%>|\{\{ ?[A-Za-z_.][^{}]{0,200}\}\}"
)
"""How macros mark what they replace."""
_IN_OBJECTS = re.compile(rf"{MARKS.pattern}|\$\{{[A-Za-z_][^{{}}]{{0,200}}\}}|\{{\{{-?[^{{}}]{{1,200}}\}}\}}.{{0,200}}")
"""The same in Kubernetes objects: a variable of envsubst, a template of Helm. ``$(NAME)`` is Kubernetes' own."""
_LONGEST = 500
"""Characters: a longer text is a script or a file, which has such marks of its own."""


def is_placeholder(value: object) -> bool:
    """Whether a whole value, or a key, of a Kubernetes object is filled in before the cluster sees it."""
    return isinstance(value, str) and len(value) < _LONGEST and bool(_IN_OBJECTS.fullmatch(value.strip()))
