"""Answers of AWS that are not AWS's: an audit, rendered in every format, and a live playbook."""

import random
from functools import cache
from typing import Any

import yaml

from responsibility.audit.read import read
from responsibility.document import Review
from responsibility.reading.sources import Sources
from responsibility.render.formats import FORMATS, render
from responsibility.review import build
from responsibility.review.command import options_of
from responsibility.upgrade import live
from responsibility.upgrade.command import Request, of_facts
from tests.fuzz.driver import Target
from tests.fuzz.mutations import VALUES, changed_data
from tests.responsibility.audit.fake_account import HEALTHY, FakeAccount, merged
from tests.support.environments import ROOT, TODAY

CODES = ("AccessDeniedException", "ResourceNotFoundException", "NoSuchEntity", "ThrottlingException", "Unheard")
ODD: tuple[Any, ...] = (
    *VALUES,
    *({"error": code} for code in CODES),
    "1.37",
    "demo",
    ["demo"],
    "arn:aws:iam::1:role/x",
)


@cache
def _accounts() -> list[dict[str, Any]]:
    """Answers of accounts: a healthy one, and those in which a check finds something."""
    files = sorted((ROOT / "tests/responsibility/checks/fixtures").rglob("*.yaml"))
    read_ = [yaml.safe_load(text) for path in files if (text := path.read_text()).count("\naccount:")]
    return [
        HEALTHY,
        *(merged(HEALTHY, data["account"]) for data in read_),
    ]


def _draw(rng: random.Random) -> dict[str, Any]:
    data: dict[str, Any] = changed_data(rng.choice(_accounts()), rng, ODD)
    return data


def _audit(answers: dict[str, Any]) -> None:
    account: Any = FakeAccount(healthy=answers, judged=False)
    facts = read(account, say=lambda _: None, as_of=TODAY)
    document, _ = build.review(Sources("account"), facts, options_of(TODAY, None, None))
    assert isinstance(document, Review)
    assert not document.defects, document.defects
    for name in FORMATS if len(str(answers)) % 5 == 0 else ():
        assert render(document, name).encode()
    found = live.answers(facts, "1.37", {}, live.offered_by(account))
    assert not of_facts(facts, Request("1.37", "", TODAY, live=True), found, "account").defects


TARGETS = (Target("answers", _draw, _audit, cases=25),)
