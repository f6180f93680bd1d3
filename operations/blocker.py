"""What blocks a deletion, and how it is looked for."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from delivery.account import Asked
from responsibility.account.errors import AccountError


@dataclass(frozen=True)
class Blocker:
    """Something that blocks a deletion, or that stays and costs money."""

    what: str
    commands: tuple[str, ...] = ()
    """What removes it."""
    stops: bool = True
    """Whether the deletion fails because of it."""
    certain: bool = False
    """Whether it always does, half-way: ANYWAY=yes does not help."""


def seen(what: str, look: Callable[[], Iterator[Blocker]]) -> list[Blocker]:
    """Returns what a look finds; what it cannot see is a note."""
    found = []
    try:
        for one in look():
            found.append(one)
    except AccountError as problem:
        found.append(Blocker(f"{what}: cannot be read: {problem}", stops=False))
    except (KeyError, TypeError, AttributeError):
        found.append(Blocker(f"{what}: cannot be read: the answer does not have the shape of AWS's", stops=False))
    return found


def instances(account: Asked, **filters: str) -> Iterator[Mapping[str, Any]]:
    """Yields the EC2 instances that are not gone."""
    wanted = [{"Name": key.replace("_", "-"), "Values": [value]} for key, value in filters.items()]
    wanted.append({"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]})
    for reservation in account.items("ec2", "describe_instances", "Reservations", Filters=wanted):
        yield from reservation["Instances"]


def tags_of(item: Mapping[str, Any]) -> dict[str, str]:
    """Returns the tags of an item of EC2."""
    return {tag["Key"]: tag.get("Value", "") for tag in item.get("Tags") or ()}
