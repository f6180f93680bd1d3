"""Counts the messages that a synth sends to Node: `python -m bench.messages`, with app.py's environment. No clock, no noise."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.environment import write_environment
from bench.measure import clean_environment

ROOT = Path(__file__).parent.parent
SMALL, LARGE = 3, 63
"""Whole rounds of the three kinds of compute, so that what is between them is an average cluster."""


def per_cluster() -> tuple[float, float]:
    """Returns the messages of each further cluster, and how many of them make a construct."""
    small, large = count(SMALL), count(LARGE)
    further = LARGE - SMALL
    total = sum(large.values()) - sum(small.values())
    return total / further, (large["CreateRequest"] - small["CreateRequest"]) / further


def count(clusters: int | Path) -> Mapping[str, int]:
    """Returns how many messages of each kind a synth of so many clusters sends, or of an environment file."""
    with TemporaryDirectory(prefix="bench-messages-") as folder:
        file = clusters if isinstance(clusters, Path) else write_environment(Path(folder), clusters)
        context = {"env": str(file), "checks": "off"}
        more = {"CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": f"{folder}/out"}
        done = subprocess.run(
            [sys.executable, "-m", "bench.messages"],
            cwd=ROOT,
            env=clean_environment() | more,
            capture_output=True,
            text=True,
            check=True,
        )
    counts: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return Counter(counts)


def main() -> int:
    """Synthesises as app.py does, and prints the count of each kind of message as JSON."""
    from jsii._kernel.providers.process import _NodeProcess

    import app

    counts: Counter[str] = Counter()
    send = _NodeProcess.send

    def counted(self: Any, request: Any, response_type: Any) -> Any:
        counts[type(request).__name__] += 1
        return send(self, request, response_type)

    _NodeProcess.send = counted  # type: ignore[method-assign]
    code = app.main()
    print(json.dumps(counts))
    return code


if __name__ == "__main__":
    sys.exit(main())
