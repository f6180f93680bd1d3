"""Files that a person writes for a review: accepted findings, prices."""

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from responsibility.review import acceptance
from responsibility.review.prices import load_prices
from tests.fuzz.driver import Target
from tests.fuzz.mutations import changed_text

ACCEPTED = """\
accepted:
  - code: EKR071
    resource: demo-network/*   # STACK/LOGICAL-ID
    reason: one NAT gateway is enough for a demo
    until: 2027-05-01
  - {code: EKR001, reason: the demo is open on purpose, until: 2027-05-01}
"""
PRICES = """\
region: eu-central-1
checked: 2026-11-20
prices:
  - {id: nat-gateway, amount: 0.052}
  - {id: "ec2:c8gn.large", unit: hour, amount: 0.14, what: an instance, verified: true}
"""


@cache
def _file() -> Path:
    return Path(mkdtemp(prefix="fuzz-")) / "mine.yaml"


def _accept(text: str) -> None:
    _file().write_bytes(text.encode("utf-8", "surrogatepass"))
    acceptance.read(_file(), ["EKR001", "EKR071"])


def _price(text: str) -> None:
    _file().write_bytes(text.encode("utf-8", "surrogatepass"))
    load_prices(_file())


TARGETS = (
    Target("accepted", lambda rng: changed_text(ACCEPTED, rng), _accept, str, cases=60),
    Target("prices", lambda rng: changed_text(PRICES, rng), _price, str, cases=60),
)
