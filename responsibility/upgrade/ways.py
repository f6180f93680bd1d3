"""How a change gets into the account: through a file of this project, or through the template that a tool wrote."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from responsibility.reading.facts import Fact
from responsibility.reading.values import has_gap
from responsibility.upgrade.plan import Upgrade
from responsibility.upgrade.playbook import Change


def key_of(upgrade: Upgrade, key: str) -> str:
    """Returns a key of the cluster's environment file."""
    return f"{upgrade.file}: clusters[{upgrade.cluster.name}].{key}"


def property_change(fact: Fact, path: str, after: str) -> Change:
    """Returns the change of a property of a template."""
    evidence = fact.at(path)
    value = str(fact.resource.maybe(path, "") or "")
    return Change(
        where=f"{evidence.api} {evidence.resource}"
        if evidence.api
        else f"{evidence.stack}/{evidence.resource} {evidence.path}",
        before="" if has_gap(value) else value,
        after=after,
        evidence=evidence,
    )


def each(names: Sequence[str], variable: str, command: str) -> str:
    """Returns a command for every one of several names. They are a template's words: the shell must not read them."""
    quoted = [shlex.quote(name) for name in names]
    if len(quoted) == 1:
        return command.replace(f"${variable}", quoted[0])
    return f"for {variable} in {' '.join(quoted)}; do {command}; done"


def deploy(upgrade: Upgrade, flags: str = "", *, direct: Sequence[str] = ()) -> list[str]:
    """Returns the commands that bring a change into the account.

    Args:
        upgrade: of which cluster.
        flags: for the CDK CLI.
        direct: commands that do it without any template, for a cluster of which no more is known than that it runs.
    """
    if upgrade.environment:
        extra = f' CDK_FLAGS="{flags}"' if flags else ""
        return [f"make diff ENV={upgrade.env}", f"make deploy ENV={upgrade.env}{extra}"]
    if upgrade.cluster.facts.origin == "account":
        return [f"{command}  # or by the tool that made the cluster" for command in direct]
    stack = shlex.quote(upgrade.cluster.resource.stack.partition("/")[0])
    return [
        f"aws cloudformation deploy --stack-name {stack} --template-file TEMPLATE --capabilities CAPABILITY_IAM"
        "  # or by the tool that made the template"
    ]
