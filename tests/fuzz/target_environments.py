"""Environment files and lock files: read, validated, their workloads rendered; without the CDK, which the properties test uses."""

import json
import random
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from stacks.environment.loading import load_environment, load_lock
from tests.fuzz.driver import Target
from tests.fuzz.mutations import changed_data, changed_text
from tests.support.environments import ENVIRONMENTS, ROOT, TODAY, environment_data

_LOCK = "addons:\n  '1.36':\n    coredns: v1.12.1-eksbuild.2\n    vpc-cni: v1.20.4-eksbuild.2\n"


@cache
def _folder() -> Path:
    return Path(mkdtemp(prefix="fuzz-"))


def _data(rng: random.Random) -> str:
    data = environment_data(rng.choice(ENVIRONMENTS))
    # Most changes are refused: a tenth stays as it is, so that what comes after the reading is played too.
    return json.dumps(data if rng.random() < 0.1 else changed_data(data, rng))


def _text(rng: random.Random) -> str:
    text = (ROOT / f"environments/{rng.choice(ENVIRONMENTS)}.yaml").read_text(encoding="utf-8")
    return changed_text(text, rng)


def _load(text: str) -> None:
    path = _folder() / "mine.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    load_environment(path, today=TODAY)


def _load_lock(text: str) -> None:
    (_folder() / "mine.lock.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    load_lock(_folder() / "mine.yaml")


TARGETS = (
    Target("environment-data", _data, _load, str, cases=60),
    Target("environment-text", _text, _load, str, cases=60),
    Target("lock", lambda rng: changed_text(_LOCK, rng), _load_lock, str, cases=40),
)
