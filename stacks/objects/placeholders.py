"""Placeholders in the files of a workload: which are filled in, which depend on a need, and which are not this project's."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from delivery.placeholders import KNOWN, places
from safe_io.where import Where
from stacks.environment.workload_spec import Need
from stacks.objects.folder import SourceObject
from stacks.objects.object_problems import Problems

FILLED_BY: Mapping[str, Need] = {
    "ACCESS_POINT_ID": "file_system",
    "BUCKET_NAME": "bucket",
    "FILE_SYSTEM_ID": "file_system",
}
"""Placeholders that have a value only for workloads whose workload.yaml has a need."""

_ADVICE = (
    f"Filled in here: {', '.join(KNOWN)}. Escape what the program in the pod reads itself:"
    " $${NAME} reaches the cluster as ${NAME} (docs/workloads.md)"
)
_IN_KEY = re.compile(r"\$\{[A-Z][A-Z0-9_]*\}")


def check_placeholders(sources: Sequence[SourceObject], needs: Collection[Need]) -> None:
    """Raises BadInput for every placeholder of the objects that nothing fills in."""
    problems = Problems()
    for source in sources:
        for where, name in places(source.object):
            need = FILLED_BY.get(name)
            if name not in KNOWN:
                problems.add(source, where, f"${{{name}}} is not filled in")
            elif need and need not in needs:
                problems.add(
                    source,
                    where,
                    f"${{{name}}} is filled in for workloads that need a {need}; add it to needs in workload.yaml",
                )
        for where in _keys(source.object):
            problems.add(source, where, "is a key, and placeholders are filled into values alone; write the name out")
    problems.raise_found(_ADVICE)


def _keys(value: Any, way: Where = ()) -> Iterator[Where]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        if isinstance(key, str) and _IN_KEY.search(key):
            yield (*way, key)
        yield from _keys(part, (*way, key))
