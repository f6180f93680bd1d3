"""Answers of AWS, checked against botocore's own model, so that readers can rely on the types.

What answers need not be AWS: a proxy, an emulator, a later version. botocore hands on most of what it gets as it came.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from responsibility.account.errors import AccountError

_TYPES: dict[str, tuple[type[Any], ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "timestamp": (datetime,),
}
"""By the type of a shape. Others (blobs, documents of any form) are handed on."""
_DECODED = ("policyDocumentType", "TemplateBody")
"""The shapes of IAM's documents and of CloudFormation's templates: text, which botocore decodes where it is JSON."""


class Told(dict[str, Any]):
    """A structure of an answer, without what is null. To read a member that is not known raises AccountError."""

    def __init__(self, members: dict[str, Any], at: str) -> None:
        """Takes the members, and where they are: ``eks:DescribeCluster: cluster``."""
        super().__init__(members)
        self.at = at

    def __missing__(self, key: str) -> Any:
        """Raises AccountError."""
        raise AccountError(f"{self.at.removesuffix(':')}: answered without {key}. {_ADVICE}")


_ADVICE = "What answers may not be AWS, or is newer than this program: check AWS_ENDPOINT_URL, and for a new version"


def told(value: Any, shape: Any, at: str) -> Any:
    """Returns an answer, or a part of one, as its shape says: null is left out. Raises AccountError.

    Args:
        value: as botocore gives it.
        shape: botocore's, of the same part.
        at: where it is, for messages: ``eks:DescribeCluster: cluster``.
    """
    kind = shape.type_name
    wanted = _TYPES.get(kind)
    if wanted is None or shape.name in _DECODED or getattr(shape, "is_document_type", False):
        return value
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise AccountError(
            f"{at.removesuffix(':')}: answered {type(value).__name__} where AWS answers a {kind}. {_ADVICE}"
        )
    if kind == "structure":
        members = ((name, member) for name, member in shape.members.items() if value.get(name) is not None)
        return Told({name: told(value[name], member, _below(at, name)) for name, member in members}, at)
    if kind == "map":
        return {key: told(item, shape.value, _below(at, key)) for key, item in value.items()}
    if kind == "list":
        return [told(item, shape.member, _below(at, index)) for index, item in enumerate(value)]
    return value


def _below(at: str, step: str | int) -> str:
    return f"{at} {step}" if at.endswith(":") else f"{at}.{step}"
