"""Templates that somebody broke: a review of them works, or says in one line why it does not. It never falls over.

The templates are those of others (`foreign/`) and the fixtures of the checks, each with a few values replaced, removed,
renamed or moved. The same every time; a failure shows what was read.
"""

import copy
import json
import random
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from responsibility.document import Review
from responsibility.facts.template import BadSource, parse
from responsibility.render import FORMATS, render
from responsibility.reviewing import Request, review

HERE = Path(__file__).parent
AS_OF = date(2026, 11, 24)
ROUNDS = 32
RENDERED = 4  # every so many-th is rendered in every format, too

Document = dict[str, Any]
Place = tuple[Any, ...]

NUMBERS: list[Any] = [0, -1, 7, -3.5, 1e308, float("inf"), 10**400, "9" * 5000, "--5", "1e999999999", "\xb2"]
PLAIN: list[Any] = [None, True, False, "", "x", "\ud800", "[" * 20_000, [], ["a"], [7], [None], {}]
SHAPES: list[Any] = [
    [{"a": 1}],
    {"a": {"b": 1}},
    {"": ""},
    [[[]]],
    "[1]",
    '{"a": 1}',
    "{",
    "\x00",
    "\u202e",
    "*",
    "${x}",
    "${",
]
VALUES: list[Any] = ["10.0.0.0/99", "0.0.0.0/0", "2026-99-99", "1.36", "arn:aws:iam::x:role/y", "AWS::EKS::Cluster"]
FUNCTIONS: list[Any] = [
    {"Ref": "Nope"},
    {"Ref": []},
    {"Fn::GetAtt": 7},
    {"Fn::GetAtt": ["Nope", "Arn"]},
    {"Fn::If": 7},
    {"Fn::If": ["no", 1, 2]},
    {"Fn::Sub": ["${a}", 7]},
    {"Fn::Sub": "${Cluster.Arn}${!x}${A.B.C}"},
    {"Fn::Join": 7},
    {"Fn::Join": ["", 7]},
    {"Fn::Select": [9, []]},
    {"Fn::Select": ["x", ["a"]]},
    {"Fn::Split": [1, 2]},
    {"Fn::FindInMap": [1]},
    {"Fn::Cidr": ["10.0.0.0/24", 2, 8]},
    {"Fn::Cidr": ["10.0.0.0/8", 10**9, 1]},
    {"Fn::ImportValue": {}},
    {"Fn::Transform": 1},
]
ODD = [*NUMBERS, *PLAIN, *SHAPES, *VALUES, *FUNCTIONS]


@cache
def originals(folder: str) -> list[list[Document]]:
    """What each folder of templates holds: stacks, and Kubernetes objects beside them."""
    files = sorted((HERE / folder).rglob("*.json")) + sorted((HERE / folder).rglob("*.yaml"))
    read = [(path, parse(path.read_text(), str(path))) for path in files if path.name != "manifest.json"]
    documents = [(path, [item for item in found if isinstance(item, dict)]) for path, found in read]
    if folder == "checks/fixtures":
        return [found for _, found in documents]  # each file is a platform of its own
    return [[item for _, found in documents for item in found]]


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    if at:
        yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*at, key))


def held(value: Any, at: Place) -> Any:
    for key in at:
        value = value[key]
    return value


def broken(documents: list[Document], rng: random.Random) -> list[Document]:
    """Returns them with one to six things changed."""
    whole: list[Any] = copy.deepcopy(documents)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        everywhere = [at for at in places(whole) if len(at) > 1]
        if everywhere:
            at = rng.choice(everywhere)
            _break(held(whole, at[:-1]), at[-1], copy.deepcopy(held(whole, rng.choice(everywhere))), rng)
    return whole


def _break(holder: Any, key: Any, other: Any, rng: random.Random) -> None:
    how = rng.choices(("odd", "moved", "removed", "renamed", "doubled"), (60, 15, 10, 8, 7))[0]
    if how == "odd":
        holder[key] = copy.deepcopy(rng.choice(ODD))
    elif how == "moved":
        holder[key] = other
    elif how == "removed":
        del holder[key]
    elif how == "doubled" or isinstance(holder, list):
        holder[key] = [holder[key], copy.deepcopy(holder[key])]
    else:
        holder[rng.choice(("x", "7", "Ref", "Fn::If", f"{key}x"))] = holder.pop(key)


def written(folder: Path, documents: list[Document]) -> Path:
    folder.mkdir()
    for number, document in enumerate(documents):
        (folder / f"stack-{number}.json").write_text(json.dumps(document, indent=1))
    return folder


def outcome(folder: Path, baseline: Path | None = None) -> Review | str:
    """The review; or, of what cannot be read, what is said."""
    request = Request(str(folder), AS_OF, baseline=str(baseline) if baseline else None, accepted=None)
    try:
        return review(request, warn=lambda _words: None)
    except BadSource as error:
        said = str(error)
    assert "\n" not in said
    return said


@pytest.mark.parametrize(
    ("folder", "seed"),
    [
        *(("checks/fixtures", seed) for seed in range(8)),
        *((f"foreign/{name}", seed) for name in ("cdk-v1", "cdk-v2-naive", "eksctl") for seed in range(2)),
        ("foreign/eks-blueprints", 0),
    ],
)
def test_a_broken_template_is_reviewed_or_refused(
    folder: str, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # this repository's accepted findings are not meant
    rng = random.Random(f"{folder} {seed}")  # noqa: S311 - the same every time
    reviews = 0
    for number in range(ROUNDS if folder == "checks/fixtures" else ROUNDS // 4):
        original = rng.choice(originals(folder))
        documents = broken(original, rng)
        try:
            whole = written(tmp_path / f"{number}-whole", original) if number % 3 == 0 else None
            found = outcome(written(tmp_path / f"{number}-broken", documents), whole)
            if isinstance(found, Review):
                reviews += 1
                if reviews % RENDERED == 1:
                    for name in FORMATS:
                        assert render(found, name).encode()
        except Exception as error:
            error.add_note(f"This was read: {json.dumps(documents)}")
            raise
    assert reviews > 2, "most of them can be read"


CLUSTER = """
Resources:
  Cluster: {Type: AWS::EKS::Cluster, Properties: {Name: shop, Version: "1.36"}}
  More: %s
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: web}
spec:
  template:
    spec: {containers: [{name: cart, resources: {requests: {memory: 1e999999999}}}]}
"""
PROFILE = "{Type: AWS::EKS::FargateProfile, Properties: {ClusterName: shop, Selectors: [{Namespace: web%s}]}}"
HALF = r"""'[{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "half-\ud800"}, "data": {"a": "b"}}]'"""
FELL = {
    "memory that no computer could write down": PROFILE % "",
    "labels as a mapping": PROFILE % ", Labels: {app: cart}",
    "a size of 400 digits": "{Type: AWS::EKS::Nodegroup, Properties: {ClusterName: shop, ScalingConfig: {MinSize: 1%s}}}"
    % ("0" * 400),
    "a port that is no number": (
        '{Type: AWS::EC2::SecurityGroup, Properties: {SecurityGroupIngress: [{CidrIp: 0.0.0.0/0, FromPort: "--5"}]}}'
    ),
    "more blocks than fit": "{Type: AWS::EC2::Subnet, Properties: {CidrBlock: !Select [3, !Cidr [10.0.0.0/24, 4, 8]]}}",
    "a thousand million blocks": "{Type: AWS::EC2::Subnet, Properties: {CidrBlock: !Select [0, !Cidr [10.0.0.0/8, 1000000000, 1]]}}",
    "the last but infinite": "{Type: AWS::EC2::Subnet, Properties: {CidrBlock: !Select [.inf, [10.0.0.0/8]]}}",
    "half a character": (
        f"{{Type: Custom::AWSCDK-EKS-KubernetesResource, Properties: {{ClusterName: shop, Manifest: {HALF}}}}}"
    ),
    "a day that no month has": (
        "{Type: AWS::EKS::Addon, Properties: {ClusterName: shop, AddonName: coredns, ConfigurationValues: 2026-13-45}}"
    ),
}


@pytest.mark.parametrize("what", FELL)
def test_what_made_it_fall_over_once(what: str, tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text(CLUSTER % FELL[what])
    found = outcome(tmp_path / "stack.yaml")
    assert isinstance(found, Review)
    for name in FORMATS:
        assert render(found, name).encode()
