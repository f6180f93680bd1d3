"""Whether a window that a cron expression opens is open. Times are UTC, as Karpenter has them."""

from datetime import datetime, timedelta
from functools import cache

_NAMED = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
_MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
_DAYS = {name: number for number, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


def active(schedule: str, duration: timedelta, now: datetime) -> bool:
    """Returns whether ``now`` is within ``duration`` after a time that the schedule names. What cannot be read is: it protects.

    https://karpenter.sh/docs/concepts/disruption/#schedule
    """
    try:
        fields = _fields(schedule)
    except ValueError:
        return True
    minute = now.replace(second=0, microsecond=0)
    while minute > now - duration:
        if _matches(fields, minute):
            return True
        minute -= timedelta(minutes=1)
    return False


def _matches(fields: tuple[frozenset[int], ...], when: datetime) -> bool:
    minutes, hours, days, months, weekdays = fields
    if when.minute not in minutes or when.hour not in hours or when.month not in months:
        return False
    day, weekday = when.day in days, (when.weekday() + 1) % 7 in weekdays
    # As cron has it: where both are limited, one of them is enough.
    limited = (len(days) < 31, len(weekdays) < 7)
    return (day or weekday) if all(limited) else (day and weekday)


@cache
def _fields(schedule: str) -> tuple[frozenset[int], ...]:
    parts = _NAMED.get(schedule.strip(), schedule).split()
    if len(parts) != len(_RANGES):
        raise ValueError(schedule)
    return tuple(_values(part.lower(), low, high) for part, (low, high) in zip(parts, _RANGES, strict=True))


def _values(field: str, low: int, high: int) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span in ("*", "?"):
            begin, end = low, high
        else:
            begin = _number(first)
            end = _number(last) if last else (high if step else begin)
        if end < begin and high == 6:
            end += 7
        found.update(one % 7 if high == 6 else one for one in range(begin, end + 1, int(step or 1)))
    if not found or min(found) < low or max(found) > high:
        raise ValueError(field)
    return frozenset(found)


def _number(text: str) -> int:
    return _MONTHS.get(text, _DAYS.get(text, -1)) if text.isalpha() else int(text)
