"""Values that only an account knows: values.yaml of a cluster, which is committed with the tree."""

import re
from collections.abc import Mapping
from pathlib import Path

from delivery.account import Asked, ask
from delivery.gitops.objects import text
from delivery.plan import Plan
from safe_io.errors import BadInput
from safe_io.terminal import one_line
from safe_io.yaml_file import YamlFile

FILE = "values.yaml"
_KEY = re.compile(r"[A-Za-z0-9_]{1,255}")
_NOTE = (
    "# Written by make gitops, LOOK_UP=yes: what the account says of this cluster. No secret is among it; commit it.\n"
)


def read_values(plan: Plan, file: Path, account: Asked | None = None, *, look_up: bool = False) -> dict[str, str]:
    """Returns the values of a cluster's placeholders: what its file says, or what the account says.

    Args:
        plan: of the cluster.
        file: its values.yaml.
        account: to ask; default: that of the credentials.
        look_up: whether to ask the account.

    Raises BadInput: the file is wrong, some values are not known, or the account does not answer.
    """
    said = plan.description
    if look_up:
        return ask(plan, account)[1]
    fixed = {"AWS_ACCOUNT_ID": said.account, "AWS_PARTITION": said.partition, "AWS_REGION": said.region}
    values = {**_read(file), **{name: value for name, value in fixed.items() if value}}
    needed = {"AWS_ACCOUNT_ID", "AWS_PARTITION", "AWS_REGION"} & plan.names
    needed |= {output for step in plan.description.steps for output in step.outputs.values()}
    if missing := sorted(needed - set(values)):
        raise BadInput(
            one_line(
                f"{file}: does not say what {', '.join(missing[:10])} {'is' if len(missing) == 1 else 'are'}. After a deploy the same"
                ' command with LOOK_UP=yes asks the account, and writes that file; or write it yourself, a line each: NAME: "value"'
            )
        )
    return values


def written(values: Mapping[str, str]) -> str:
    """Returns the text of a cluster's values.yaml."""
    return _NOTE + text(dict(sorted(values.items())))


def _read(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    found = YamlFile(file)
    data = {} if found.data is None else found.data
    if not isinstance(data, dict):
        found.fail((), "must be a mapping of names and values")
    for name, value in data.items():
        if not _KEY.fullmatch(name):
            found.fail((name,), "must be a name of letters, digits and _")
        if not isinstance(value, str) or not value.isprintable():
            found.fail((name,), f'must be text in quotes, such as {name}: "value"')
    return dict(data)
