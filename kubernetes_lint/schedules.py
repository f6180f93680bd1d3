"""The schedules of CronJobs, as Kubernetes reads them."""

from collections.abc import Sequence

_CRON_FIELDS = (
    ("minute", 0, 59, ""),
    ("hour", 0, 23, ""),
    ("day", 1, 31, ""),
    ("month", 1, 12, "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"),
    ("weekday", 0, 6, "SUN MON TUE WED THU FRI SAT"),
)
_CRON_WORDS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")


def cron_problem(schedule: str) -> str | None:
    """Returns what is wrong with a schedule.

    https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax.
    """
    if schedule in _CRON_WORDS or schedule.startswith("@every "):
        return None
    parts = schedule.split()
    if len(parts) != len(_CRON_FIELDS):
        return f"it has {len(parts)} fields, not {len(_CRON_FIELDS)}"
    for part, (name, least, most, words) in zip(parts, _CRON_FIELDS, strict=True):
        for one in part.split(","):
            if not _cron_range(one, least, most, words.split()):
                return f"{name} {one!r} is not in {least} to {most}"
    return None


def _cron_range(text: str, least: int, most: int, words: Sequence[str]) -> bool:
    span, slash, step = text.partition("/")
    if slash and not (step.isdecimal() and int(step)):
        return False
    if span in ("*", "?"):
        return True
    ends = [str(words.index(end.upper()) + least) if end.upper() in words else end for end in span.split("-")]
    if len(ends) > 2 or not all(end.isdecimal() for end in ends):
        return False
    numbers = [int(end) for end in ends]
    return numbers == sorted(numbers) and numbers[0] >= least and numbers[-1] <= most
