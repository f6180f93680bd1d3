"""Cloud assemblies of others: a manifest of any shape, which names files that may be anything. Reviewed, as `cdk.out` is."""

import json
import os
import random
import socket
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from tests.fuzz.driver import Target
from tests.fuzz.mutations import VALUES, changed_data
from tests.fuzz.target_templates import judge

CLUSTER = {"Resources": {"Cluster": {"Type": "AWS::EKS::Cluster", "Properties": {"Name": "shop", "Version": "1.36"}}}}
NESTED = {
    "Type": "AWS::CloudFormation::Stack",
    "Metadata": {"aws:asset:path": "inner.json"},
    "Properties": {"Parameters": {}},
}
FILES: dict[str, Any] = {
    "manifest.json": {
        "version": "48.0.0",
        "artifacts": {
            "tree": {"type": "cdk:tree", "properties": {"file": "tree.json"}},
            "top": {
                "type": "aws:cloudformation:stack",
                "environment": "aws://123456789012/eu-west-1",
                "properties": {"templateFile": "top.json", "stackName": "shop"},
            },
            "stage": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "stage"}},
        },
    },
    "top.json": {"Resources": {**CLUSTER["Resources"], "Inner": NESTED}},
    "inner.json": {"Parameters": {"P": {"Type": "String", "Default": "x"}}, **CLUSTER},
    "stage/manifest.json": {
        "artifacts": {"top": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "top.json"}}}
    },
    "stage/top.json": CLUSTER,
    "manifests/shop/ns.yaml": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web"}},
}
ODD: tuple[Any, ...] = (
    *VALUES,
    *("top.json", "inner.json", "stage", ".", "..", "stage/../top.json", "../../etc/passwd", "/etc/passwd", "/dev/zero", "\0"),
    *("pipe", "socket", "link", "folder", "manifest.json", "gone.json", "aws:cloudformation:stack", "cdk:cloud-assembly"),
)  # fmt: skip
RAW = (b"", b"null", b"[]", b"\x00" * 99, b"\xff\xfe", b"{", b"7", b'"x"', b"- x\n", b"[" * 9_999, b"a: &a [*a]")


@cache
def _folder() -> Path:
    folder = Path(mkdtemp(prefix="fuzz-"))
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to("/etc/passwd")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "socket"))
    return folder


def _draw(rng: random.Random) -> dict[str, bytes]:
    data = dict(FILES)
    for name in rng.sample(sorted(FILES), rng.choice((1, 1, 2))):
        data[name] = changed_data(data[name], rng, ODD)
    files = {name: json.dumps(body).encode("utf-8", "surrogatepass") for name, body in data.items()}
    if rng.random() < 0.2:
        files[rng.choice(sorted(FILES))] = rng.choice(RAW)
    return files


def _review(files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (_folder() / name).write_bytes(content)
    judge(str(_folder()), shown=False)


TARGETS = (Target("assemblies", _draw, _review, cases=60),)
