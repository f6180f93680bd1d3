"""Templates and Kubernetes objects of others: reviewed, compared with what they were, and rendered in every format."""

import copy
import json
import random
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from responsibility.reading.template import parse
from responsibility.render.formats import FORMATS, render
from responsibility.review.command import Request, review
from tests.fuzz.driver import Target
from tests.fuzz.mutations import VALUES, changed_data, changed_text
from tests.support.environments import ROOT, TODAY

Documents = list[Any]
HERE = ROOT / "tests/responsibility"
FUNCTIONS: tuple[Any, ...] = (
    *({"Ref": name} for name in ("Nope", [], "AWS::NoValue", "Cluster")),
    *({"Fn::GetAtt": to} for to in (7, "Nope", ["Nope", "Arn"], "Cluster.Arn", ["Cluster", "Arn"])),
    *({"Fn::Sub": text} for text in ("${Nope}", "a${Nope}", "${Nope}b", "arn:aws:iam::${Nope}:role/x", "${AWS::AccountId}")),
    *({"Fn::Sub": text} for text in (["${a}", 7], "${Cluster.Arn}${!x}${A.B.C}", "${", ["${a}", {"a": {"Ref": "Cluster"}}])),
    *({"Fn::Join": to} for to in (7, ["", 7], ["", ["a", {"Ref": "Nope"}]])),
    *({"Fn::Select": to} for to in ([9, []], ["x", ["a"]], [0, {"Ref": "Nope"}])),
    *({"Fn::If": to} for to in (7, ["no", 1, 2])),
    *({"Fn::Cidr": to} for to in (["10.0.0.0/24", 2, 8], ["10.0.0.0/8", 10**9, 1])),
    *({name: 1} for name in ("Fn::Split", "Fn::FindInMap", "Fn::ImportValue", "Fn::Transform", "Fn::Length", "Fn::ToJsonString")),
)  # fmt: skip
ODD: tuple[Any, ...] = (
    *("[1]", '{"a": 1}', "{", "[" * 20_000, "9" * 5_000, "--5", "1e999999999", "\xb2", "*", "a:b:c", "10.0.0.0/99"),
    *([7], [{"a": 1}], {"a": {"b": 1}}, [[[]]], {"x": "y"}, "AWS::EKS::Cluster", "sts:TagSession", {"AWS": "*"}, {"AWS": [7]}),
)  # fmt: skip
EVERYTHING = (*VALUES, *ODD, *FUNCTIONS, *FUNCTIONS)


@cache
def originals() -> list[Documents]:
    """The documents of each platform: fixtures of checks are a file each, templates of others a folder each."""
    fixtures = [[path] for path in sorted((HERE / "checks/fixtures").rglob("*.yaml"))]
    foreign = [
        [
            path
            for path in sorted(folder.iterdir())
            if path.suffix in (".json", ".yaml") and path.name != "manifest.json"
        ]
        for folder in sorted((HERE / "foreign").iterdir())
        if folder.is_dir()
    ]
    read = [[item for path in paths for item in parse(path.read_text(), str(path))] for paths in (*fixtures, *foreign)]
    is_template = [any(isinstance(one, dict) and "Resources" in one for one in found) for found in read]
    return [found for found, yes in zip(read, is_template, strict=True) if yes and len(json.dumps(found)) < 120_000]


@cache
def _folder() -> Path:
    return Path(mkdtemp(prefix="fuzz-"))


def _draw(rng: random.Random) -> tuple[Documents, Documents | None, bool]:
    """Documents, at times what they were before, and whether to render."""
    original = rng.choice(originals())
    return changed_data(original, rng, EVERYTHING), rng.choice((original, None, None)), rng.random() < 0.2


def _write(name: str, text: str) -> str:
    folder = _folder() / name
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    for number, part in enumerate(text.split("\0\n")):
        (folder / f"stack-{number}.json").write_bytes(part.encode("utf-8", "surrogatepass"))
    return str(folder)


def _json(documents: Documents) -> str:
    return "\0\n".join(json.dumps(document, indent=1) for document in documents)


def _review(drawn: tuple[Documents, Documents | None, bool]) -> None:
    documents, before, shown = copy.deepcopy(drawn)
    judge(_write("now", _json(documents)), _write("before", _json(before)) if before else None, shown=shown)


def judge(assembly: str | None, baseline: str | None = None, *, shown: bool, manifests: tuple[str, ...] = ()) -> None:
    """Reviews; no check may fall over."""
    request = Request(assembly, TODAY, baseline=baseline, manifests=manifests)
    document = review(request, warn=lambda _words: None)
    assert not document.defects, document.defects
    for name in FORMATS if shown else ():
        assert render(document, name).encode()


def _text(rng: random.Random) -> str:
    path = rng.choice(sorted((HERE / "checks/fixtures").rglob("*.yaml")))
    return changed_text(path.read_text(), rng)


def _review_text(text: str) -> None:
    file = _folder() / "one.yaml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    judge(str(file), shown=False)


@cache
def _manifests() -> list[Documents]:
    """The Kubernetes objects of each fixture and of each sample workload that has some."""
    files = sorted([*(HERE / "checks/fixtures").rglob("*.yaml"), *(ROOT / "workloads").rglob("*.yaml")])
    read = ([item for item in parse(path.read_text(), str(path)) if "apiVersion" in item] for path in files)
    return [found for found in read if found]


def _draw_objects(rng: random.Random) -> tuple[Documents, bool]:
    return changed_data(rng.choice(_manifests()), rng, EVERYTHING), rng.random() < 0.1


def _review_objects(drawn: tuple[Documents, bool]) -> None:
    objects, shown = drawn
    file = _folder() / "objects.yaml"
    file.write_bytes("\n---\n".join(json.dumps(item) for item in objects).encode("utf-8", "surrogatepass"))
    judge(None, shown=shown, manifests=(str(file),))


TARGETS = (
    Target("manifest-data", _draw_objects, _review_objects, lambda drawn: json.dumps(drawn[0]), cases=30),
    Target("template-data", _draw, _review, lambda drawn: json.dumps(drawn[0]), cases=40),
    Target("template-text", _text, _review_text, str, cases=30),
)
