"""A text of which a part is not known answers what no gap decides, and refuses everything else."""

from collections.abc import Callable
from typing import Any

import pytest

from responsibility.reading.embedded import json_in, yaml_in
from responsibility.reading.functions import world_of
from responsibility.reading.partly_known import (
    PartlyKnown,
    filled,
    fits,
    joined,
    may_be,
    part,
    says,
    surely,
    without_gaps,
)
from responsibility.reading.template import Template
from responsibility.reading.unknown import UnknownValue
from responsibility.reading.values import Reference, Unknown, all_known, gap_of, has_gap, is_gap, references

GAP = str(Unknown("parameter Name has no default"))
ROLE = str(Reference("app", "Role", "Arn"))
NAME = joined("shop-", GAP, "-nodes")

DECIDED: dict[str, tuple[Callable[[], Any], Any]] = {
    "begins": (lambda: NAME.startswith("shop-"), True),
    "begins otherwise": (lambda: NAME.startswith(("shop_", "web")), False),
    "ends": (lambda: NAME.endswith("-nodes"), True),
    "ends otherwise": (lambda: NAME.endswith("-pods"), False),
    "contains": (lambda: "nodes" in NAME, True),
    "is another, by its beginning": (lambda: NAME == "web-a-nodes", False),
    "is another, by its end": (lambda: NAME != "shop-a-pods", True),
    "is another, of a list": (lambda: NAME in ("a", "b"), False),
    "is the same parameter's": (lambda: joined("shop-", GAP, "-nodes") == NAME, True),
    "fits every pattern": (lambda: fits(NAME, "shop-*"), True),
    "fits no pattern": (lambda: fits(NAME, "*-pods"), False),
    "a pattern with a gap, and a name that it never fits": (lambda: fits("web", joined("shop-", GAP, "*")), False),
    "a reference is no text that people wrote": (lambda: ROLE == "arn:aws:iam::111122223333:role/x", False),
    "a reference is another reference": (lambda: str(Reference("app", "Other", "Arn")) == ROLE, False),
    "parts stay whole": (lambda: joined("a:", str(Unknown("x:y")), ":b").split(":")[2], "b"),
    "the last part": (lambda: joined("role/", ROLE).rpartition("/")[2], ROLE),
    "lower case leaves a reference": (lambda: joined("A", ROLE).lower(), joined("a", ROLE)),
}
UNDECIDED: dict[str, Callable[[], Any]] = {
    "is": lambda: NAME == "shop-a-nodes",
    "is not": lambda: NAME != "shop-a-nodes",
    "is, from the other side": lambda: NAME == "shop--nodes",
    "is one of a list": lambda: NAME in ["web", "shop-a-nodes"],
    "a list has it": lambda: ["web", NAME].index("shop-a-nodes"),
    "begins": lambda: NAME.startswith("shop-a"),
    "all of it": lambda: GAP == "*",
    "ends": lambda: NAME.endswith("a-nodes"),
    "contains": lambda: "*" in NAME,
    "fits": lambda: fits(NAME, "shop-?-nodes"),
    "fits a pattern with a gap": lambda: fits("shop-a-nodes", NAME),
    "two gaps": lambda: joined("shop-", str(Unknown("x"))) == NAME,
}


@pytest.mark.parametrize("what", DECIDED)
def test_what_no_gap_decides_is_answered(what: str) -> None:
    ask, answer = DECIDED[what]
    assert ask() == answer


@pytest.mark.parametrize("what", UNDECIDED)
def test_what_a_gap_decides_is_refused_with_the_reason(what: str) -> None:
    with pytest.raises(UnknownValue, match=r"a part of .* is not known: (parameter Name has no default|x)"):
        UNDECIDED[what]()
    assert not surely(UNDECIDED[what])


def test_it_stays_what_it_is_whatever_is_done_with_it() -> None:
    for made in (
        NAME.lower(), NAME.strip(), NAME + "x", "x" + NAME, NAME[:-1], NAME.removeprefix("shop"), str(NAME),
        NAME.replace("shop", "web"), NAME.split("-nodes")[0], NAME.partition("shop")[2], NAME.splitlines()[0],
        filled(NAME, lambda _: None), json_in(f'{{"a": ["{NAME}"]}}')["a"][0], next(iter(yaml_in(f"{NAME}: 1"))),
    ):  # fmt: skip
        assert isinstance(made, PartlyKnown), repr(made)
        assert gap_of(made) == "parameter Name has no default"
    assert has_gap(NAME)
    assert not is_gap(NAME)
    assert is_gap(GAP)
    assert not all_known(ROLE)
    assert says(NAME, "shop")
    assert not says(joined("a", part("?shop")), "shop")
    assert may_be(NAME, "shop-x-nodes")
    assert not may_be(NAME, "shop-x")
    assert without_gaps(f"{NAME}, {ROLE}") == "shop-...-nodes, Role"


WRITTEN = ["${?x}", "\ue000?x\ue001", "\ue000s/Id\ue001", "a ${!Role} b", "${s/Role.Arn}", "\ue000", "\ue001?\ue000"]


@pytest.mark.parametrize("text", WRITTEN)
def test_what_people_write_is_text(text: str) -> None:
    world = world_of([Template("s", "s.json", {"Resources": {"Role": {"Type": "AWS::IAM::Role"}}}, "")])
    found = world.scopes["s"].value({"a": text, "b": [text], "c": {"Fn::Join": ["-", [text, "x"]]}})
    plain = text.replace("\ue000", "").replace("\ue001", "")
    assert found == {"a": plain, "b": [plain], "c": f"{plain}-x"}
    assert not list(references(found))
    assert all(map(all_known, (found["a"], found["c"])))


@pytest.mark.parametrize("escape", [r"\ue000?x\ue001", r"\uE000s/Id\uE001", r"\ue000AWS::AccountId\ue001"])
def test_an_escape_in_json_or_yaml_is_no_mark(escape: str) -> None:
    for read in (json_in, yaml_in):
        found = read(f'{{"a": "{escape}"}}')["a"]
        assert all_known(found)
        assert found == escape.replace(r"\ue000", "").replace(r"\ue001", "").replace(r"\uE000", "").replace(
            r"\uE001", ""
        )
