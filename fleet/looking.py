"""What a wave would change: the templates of a synth beside those that are deployed, judged by the review."""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from delivery.account import Asked
from fleet.model import Member
from fleet.synthesis import Run, synthesise
from operations.deployed_stacks import DeployedStacks
from responsibility.account.errors import AccountError
from safe_io.errors import FINDINGS, OK, BadInput
from safe_io.output import write
from safe_io.terminal import one_line


def replacements(
    members: Sequence[Member], account_of: Callable[[Member], Asked], *, run: Run, say: Callable[[str], None]
) -> int:
    """Returns how many resources the deploy of a wave would replace or remove, and says what changes.

    Raises:
        BadInput: an environment cannot be synthesised, or its account not read: nobody knows then.
    """
    return sum(_of(member, account_of, run, say) for member in members)


def _of(member: Member, account_of: Callable[[Member], Asked], run: Run, say: Callable[[str], None]) -> int:
    name = member.environment.name
    with tempfile.TemporaryDirectory(prefix="eks-platform-fleet-") as folder:
        made, base, document = (Path(folder) / part for part in ("cdk.out", "base", "review.json"))
        if code := synthesise(member.path, made, run):
            raise BadInput(f"{name}: its synth failed ({code}): nobody knows what it would change")
        base.mkdir()
        try:
            found = _deployed(member, account_of(member), base)
        except AccountError as problem:
            raise BadInput(one_line(f"{name}: nobody knows what it would change: {problem}", 600)) from None
        if not found:
            say(f"{name}: is new: nothing is replaced")
            return 0
        review = [
            "-m",
            "responsibility",
            "review",
            "--assembly",
            str(made),
            "--baseline",
            str(base),
            "--fail-on",
            "never",
        ]
        if (code := run([sys.executable, *review, "-o", str(document), "--quiet"], dict(os.environ))) not in (
            OK,
            FINDINGS,
        ):
            raise BadInput(f"{name}: its review failed ({code}): nobody knows what it would change")
        changes = json.loads(document.read_text(encoding="utf-8"))["baseline"]["changes"]
    lines = list(_lost(changes))
    for line in lines:
        say(f"{name}: {line}")
    say(f"{name}: {len(changes)} resources change, {len(lines)} of them are replaced or removed")
    return len(lines)


def _deployed(member: Member, account: Asked, base: Path) -> int:
    """Writes the templates of the deployed stacks; returns how many there are. Raises AccountError."""
    deployed = DeployedStacks(account, member.environment)
    found = 0
    for stack in deployed:
        if not deployed.created(stack.StackName):
            continue
        resources = {key: one.model_dump(exclude_unset=True) for key, one in deployed.template(stack.StackName).items()}
        write(base / f"{stack.StackName}.template.json", json.dumps({"Resources": resources}))
        found += 1
    return found


def _lost(changes: list[dict[str, Any]]) -> Iterator[str]:
    for one in changes:
        if one["change"] in ("replaced", "removed"):
            where, because = one["evidence"], ", ".join(one["because"])
            yield f"{one['change']}: {where['type']} {where['stack']}/{where['resource']}" + (
                f" ({because})" if because else ""
            )
