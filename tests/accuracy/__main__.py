"""`make accuracy`: the review beside checkov, cfn-lint and cdk-nag on the labelled corpus; writes the tables of docs/accuracy.md.

`--ours`: the review alone, in seconds. `--unlabelled`: each claim that no label has, to judge by hand.
"""

import argparse
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from tests.accuracy import scanners
from tests.accuracy.corpus import pairs
from tests.accuracy.judge import verdicts
from tests.accuracy.report import areas, beside, checks, misses, totals

PAGE = scanners.ROOT / "docs/accuracy.md"
BEGIN, END = "<!-- figures: make accuracy -->\n", "<!-- end of figures -->"


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints precision and recall of each check, and writes the page's tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.accuracy", description=__doc__)
    parser.add_argument("--ours", action="store_true")
    parser.add_argument("--unlabelled", action="store_true")
    options = parser.parse_args(arguments)
    judged = verdicts(pairs())
    if options.unlabelled:
        print(*(f"{code} {where}" for one in judged for code, where in one.wrong), sep="\n")
        return
    print(checks(judged), totals(judged), areas(judged), misses(judged), sep="\n")
    if options.ours:
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "corpus")
        folder.mkdir()
        scanners.write(pairs(), folder)
        fired = scanners.scans(folder, Path(temporary, "cdk.out"))
    versions = {"checkov": scanners.checkov_version(), "cfn-lint": version("cfn-lint"), "cdk-nag": version("cdk-nag")}
    compared = beside(judged, fired, *scanners.counterparts(), versions)
    print(compared)
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text("\n".join((before + BEGIN, totals(judged), areas(judged), compared, misses(judged), END + after)))


main()
