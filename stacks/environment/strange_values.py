"""Values that another program would read as something else than they say: the CDK, CloudFormation, a person's eyes.

Held against every key and value of a file before anything else is done with it; and bounds on their size.
"""

import re
import struct
from collections.abc import Iterator
from typing import Any

from safe_io.terminal import unseen
from safe_io.where import Where
from safe_io.yaml_file import YamlFile

MAX_TEXT = 20_000
"""Characters of a key or of a text in an environment: longer than any setting of an add-on."""
MAX_ENTRIES = 300
"""Of a list or mapping in an environment: clusters, groups, workloads and the like are read one by one, and compared."""

# Placeholders of the CDK, which puts into their place whatever it knows by that number: aws-cdk's core/lib/private/encoding.ts.
_CDK_TEXT = re.compile(r"[$#]\{Token\[|-1\.\d+e\+?289", re.IGNORECASE)
_CDK_NUMBER = 0xFBFF
"""The first 16 bits of a number that is one."""
# How jsii writes references and structures: packages/@jsii/kernel/src/api.ts.
_JSII = re.compile(r"\$jsii\.")
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
_RESOLVE = re.compile(r"\{\{\s*resolve\s*:", re.IGNORECASE)


def refuse_strange_values(document: YamlFile, *, of_people: bool = True, entries: int = MAX_ENTRIES) -> None:
    """Raises BadInput for the first value that reads as something else.

    Args:
        document: the file.
        of_people: a file of this project's own kind, which has no use for hidden characters and long texts. Kubernetes
            objects may have scripts and certificates in them.
        entries: of a list or mapping in a file of people, at most.
    """
    for where, value in _values(document.data, ()):
        if problem := _problem(value, of_people=of_people, entries=entries):
            document.fail(where, problem)


def _values(value: Any, where: Where) -> Iterator[tuple[Where, Any]]:
    """Yields every value and every key with its place, the outer ones first."""
    yield where, value
    if isinstance(value, dict):
        for key, one in value.items():
            yield (*where, key), key
            yield from _values(one, (*where, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _values(one, (*where, index))


def _problem(value: Any, *, of_people: bool, entries: int) -> str:
    """Returns what is wrong with a value; nothing if nothing is."""
    if isinstance(value, list | dict):
        if of_people and len(value) > entries:
            return f"has {len(value):,} entries; at most {entries:,} (bound: entries)"
        return ""
    if isinstance(value, float):
        if struct.unpack(">H", struct.pack(">d", value)[:2])[0] == _CDK_NUMBER:
            return f"found {value!r}, a number that the CDK uses as a token; choose another"
        return ""
    return _text_problem(value, of_people=of_people) if isinstance(value, str) else ""


def _text_problem(value: str, *, of_people: bool) -> str:
    if of_people and len(value) > MAX_TEXT:
        return f"has {len(value):,} characters; at most {MAX_TEXT:,} (bound: text)"
    if found := _CDK_TEXT.search(value):
        return f"contains {found[0]!r}, a placeholder of the CDK, which would put something else there; write the value itself"
    if _JSII.search(value):
        return "contains '$jsii.', which the CDK reads as a reference to an object; remove it"
    if _RESOLVE.search(value):
        return (
            "contains '{{resolve:', which CloudFormation replaces by a parameter or a secret when it deploys;"
            " write the value itself"
        )
    if of_people and (odd := unseen(value)):
        return f"contains the character U+{ord(odd):04X}, which is not shown or not what it looks like; remove it"
    return ""
