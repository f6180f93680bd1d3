"""The figures as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from responsibility.checks import all_checks
from tests.accuracy.corpus import File, Pair
from tests.accuracy.judge import Verdict

AREAS = {check.info.code: check.judge.__module__.split(".")[2] for check in all_checks("templates")}


def totals(judged: Sequence[Verdict]) -> str:
    """All in one table."""
    twins = Counter(one.twin for one in judged)
    rows = [
        ("pairs", f"{len(judged)}, of them {sum(one.pair.fixture for one in judged)} fixtures of the checks"),
        ("checks with a pair", str(len({one.pair.code for one in judged}))),
        ("recall: defects found", _share(sum(one.found for one in judged), len(judged))),
        ("precision: claims that are right", _share(*_right(judged))),
        ("false *met*: defects that it calls met", str(sum(one.false_met for one in judged))),
        ("clean twins that it calls open", str(twins["open"])),
        (
            "clean twins: met, not applicable, unknown",
            f"{twins['met']}, {twins['not_applicable']}, {twins['unknown']}",
        ),
    ]
    return _table(("In all", ""), rows)


def areas(judged: Sequence[Verdict]) -> str:
    """A row for each area of the checks; claims count in the area of their check."""
    return _table(("Area", "Pairs", "Recall", "Claims", "Precision"), _by(judged, AREAS))


def checks(judged: Sequence[Verdict]) -> str:
    """A row for each check."""
    return _table(("Check", "Pairs", "Recall", "Claims", "Precision"), _by(judged, {code: code for code in AREAS}))


def _by(judged: Sequence[Verdict], group: Mapping[str, str]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name in sorted(set(group.values())):
        own = [one for one in judged if group[one.pair.code] == name]
        claims = sum(group[code] == name for one in judged for code in one.claims)
        wrong = sum(group[code] == name for one in judged for code, _ in one.wrong)
        if own or claims:
            found = sum(one.found for one in own)
            rows.append((name, str(len(own)), _percent(found, len(own)), str(claims), _percent(claims - wrong, claims)))
    return rows


def misses(judged: Sequence[Verdict]) -> str:
    """What the review misses or claims wrongly, one by one."""
    rows = [(one.pair.code, f"misses: {one.pair.name}") for one in judged if not one.found]
    rows += [(code, f"claims wrongly: {where}") for one in judged for code, where in one.wrong]
    return (
        _table(("Check", "Where it is wrong"), rows)
        if rows
        else "It misses nothing here, and claims nothing wrongly.\n"
    )


def beside(
    judged: Sequence[Verdict],
    fired: Mapping[str, Mapping[str, set[str]]],
    counterparts: Mapping[str, Mapping[str, list[str]]],
    wider: set[str],
    versions: Mapping[str, str],
) -> str:
    """The review beside scanners, by their rules that mean the same as a check; claims of ``wider`` rules are not judged."""
    right, claims = _right(judged)
    found = sum(one.found for one in judged)
    rows = [("this review", f"{len(AREAS)} checks", *[_share(found, len(judged))] * 2, _share(right, claims))]
    files = {file.name: file for one in judged for file in (one.pair.bad, one.pair.good)}
    for scanner, said in fired.items():
        rules = {code: set(row[scanner]) for code, row in counterparts.items() if scanner in row}
        known = [one.pair for one in judged if one.pair.code in rules]
        hits = sum(
            bool(
                rules[one.code]
                & said.get(one.bad.name, set()) - (set() if _twin_has(one) else said.get(one.good.name, set()))
            )
            for one in known
        )
        right, claims = _judged_claims(files, said, {code: names - wider for code, names in rules.items()})
        rows.append(
            (
                f"{scanner} {versions[scanner]}",
                f"{len(set().union(*rules.values()))} rules",
                _share(hits, len(judged)),
                _share(hits, len(known)),
                _share(right, claims),
            )
        )
    return _table(("Scanner", "Compared", "Of all defects", "Of those it has a rule for", "Precision"), rows)


def _twin_has(pair: Pair) -> bool:
    """Whether the clean twin has the defect somewhere else: a scanner may then speak of both."""
    return pair.code in {code for code, _ in pair.good.true}


def _judged_claims(
    files: Mapping[str, File], said: Mapping[str, set[str]], rules: Mapping[str, set[str]]
) -> tuple[int, int]:
    """Claims by rules with a counterpart: right are those on a file that has a defect that the rule is about."""
    means: dict[str, set[str]] = {}
    for code, names in rules.items():
        for rule in names:
            means.setdefault(rule, set()).add(code)
    right = claims = 0
    for name, file in files.items():
        true = {code for code, _ in file.true}
        for rule in said.get(name, set()) & set(means):
            claims += 1
            right += bool(means[rule] & true)
    return right, claims


def _right(judged: Sequence[Verdict]) -> tuple[int, int]:
    claims = sum(len(one.claims) for one in judged)
    return claims - sum(len(one.wrong) for one in judged), claims


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _share(part: int, whole: int) -> str:
    return f"{_percent(part, whole)} ({part:,} of {whole:,})"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
