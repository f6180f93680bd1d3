"""Checks of how pods end: whether they have time to finish what they do."""

from __future__ import annotations

import re
from collections.abc import Iterator

from responsibility.checks.check import Answer, check, met, open_
from responsibility.reading.kubernetes import Workload

_DEFAULT = 30
"""Seconds that Kubernetes waits after it asked a pod to end."""
_SLEEP = re.compile(r"(?:.*[\s;&])?sleep (\d{1,6})(?:[\s;&s].*)?", re.DOTALL)


@check("EKR316", Workload)
def pods_have_time_to_end(workload: Workload) -> Answer | None:
    """Applies to pods that state a grace period or a preStop hook: the hook runs within the period."""
    if workload.made_by_another:
        return None
    path = f"{workload.spec_path}.terminationGracePeriodSeconds"
    grace, here = workload.number(path, _DEFAULT), workload.at(path)
    if grace == 0:
        return open_("is killed without a chance to end", here)
    hooks = list(_sleeps(workload))
    if long := [at for at, seconds in hooks if seconds >= grace]:
        return open_(
            f"sleeps before it ends for as long as the {grace} s it has", here, *(workload.at(at) for at in long)
        )
    if hooks or workload.get(path) is not None:
        return met(f"has {grace} s to end", here)
    return None


def _sleeps(workload: Workload) -> Iterator[tuple[str, int]]:
    """Yields path and seconds of each preStop hook; 0 where it does not sleep. Raises UnknownValue."""
    for container in workload.running:
        hook = f"{container}.lifecycle.preStop"
        if workload.get(f"{hook}.sleep") is not None:
            yield f"{hook}.sleep.seconds", workload.number(f"{hook}.sleep.seconds", 0)
        elif workload.get(hook):
            command = " ".join(workload.texts(f"{hook}.exec.command"))
            found = _SLEEP.fullmatch(command)
            yield hook, int(found[1]) if found else 0
