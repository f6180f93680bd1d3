"""`python -m delivery hybrid cdk.out`: the step of hybrid nodes that no deploy does, to be run by a person.

It prints a command, or values of the stack's outputs. It makes no activation itself: the code of one is a secret.
"""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from delivery.options import OneLineParser
from safe_io.errors import BadInput
from safe_io.json_text import load_json
from safe_io.terminal import one_line
from safe_io.text_file import read_text

_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$")]
_Role = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+=,.@:~/-]{1,600}$")]
_Region = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]
_REGION = "${AWS_REGION:?export the region of the cluster}"
"""Where the environment file names none: the shell says what is missing, in place of a command without a region."""
_ACCOUNT = "$(aws sts get-caller-identity --query Account --output text)"
LONGEST_ROLE = 64
"""Of the IamRole of an activation: API_CreateActivation.html of the Systems Manager API reference."""


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class _Site(_Shape):
    max_nodes: int
    nodes: list[_Name]


class _Sites(_Shape):
    cluster: _Name
    environment: _Name
    region: _Region | None
    provider: Literal["ssm", "iam-ra"]
    role: _Role
    activation_hours: int | None
    outputs: Mapping[str, _Name]
    sites: Mapping[_Name, _Site]


def hybrid(arguments: list[str], program: str) -> str:
    """Returns what a person has to run. Raises BadInput."""
    parser = OneLineParser(prog=f"{program} hybrid", description="Shows the step before hybrid nodes can join.")
    parser.add_argument("assembly", type=Path, help="the folder that a synth wrote: cdk.out")
    parser.add_argument("--cluster", help="if the environment has several with hybrid nodes")
    parser.add_argument("--site", help="if the cluster has several")
    options = parser.parse_args(arguments)
    sites = _read(options.assembly, options.cluster)
    name = _chosen("site", options.site, list(sites.sites))
    return _activation(sites, name) if sites.provider == "ssm" else _outputs(sites, name)


def _read(assembly: Path, cluster: str | None) -> _Sites:
    if not assembly.is_dir():
        raise BadInput(one_line(f"{assembly}: there is no such folder; make synth ENV=... makes cdk.out"))
    found = {path.parent.name: path for path in sorted(assembly.glob("hybrid/*/sites.json"))}
    if not found:
        raise BadInput(one_line(f"{assembly}: has no cluster with hybrid nodes; make it: make synth ENV=..."))
    path = found[_chosen("cluster", cluster, list(found))]
    try:
        return _Sites.model_validate(load_json(read_text(path, max_bytes=1_000_000), path))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BadInput(one_line(f"{path}: {where}: {first['msg']}. Make it again: make synth ENV=...")) from None


def _chosen(what: str, name: str | None, known: list[str]) -> str:
    """Returns the name, or the only one there is. Raises BadInput."""
    if name is None and len(known) == 1:
        return known[0]
    if name not in known:
        said = f"there is no {what} {name}" if name else f"there are several {what}s"
        raise BadInput(one_line(f"{said}; choose with --{what}: {', '.join(known)}"))
    return str(name)


def _activation(sites: _Sites, name: str) -> str:
    if len(sites.role) > LONGEST_ROLE:
        raise BadInput(
            f"the role {sites.role} has {len(sites.role)} characters with its path, and Systems Manager takes {LONGEST_ROLE}: name"
            " another role_arn"
        )
    region = sites.region or _REGION
    hours = sites.activation_hours or 24
    arn = f"arn:aws:eks:{region}:{_ACCOUNT}:cluster/{sites.cluster}"
    lines = [
        "aws ssm create-activation",
        f"--region {region}",
        f"--default-instance-name {shlex.quote(f'{sites.cluster}-{name}')}",
        f"--description {shlex.quote(f'Hybrid nodes of {sites.cluster} in {name}')}",
        f"--iam-role {shlex.quote(sites.role)}",
        f"--registration-limit {sites.sites[name].max_nodes}",
        # In seconds: how `date` adds hours differs between Linux and macOS.
        f'--expiration-date "$(( $(date +%s) + {hours} * 3600 ))"',
        # nodeadm uninstall may take off Systems Manager what has this tag: compute/hybrid_nodes/rights.py.
        f'--tags "Key=EKSClusterARN,Value={arn}"',
    ]
    return "\n".join(
        [
            f"# Deploy first: make deploy ENV=<file of {sites.environment}>.",
            "# The answer has a code that is shown this once: it registers nodes",
            f"# for {hours} hours, so it goes to the hosts of {name} alone, and into no file that is kept.",
            " \\\n  ".join(lines),
        ]
    )


def _outputs(sites: _Sites, name: str) -> str:
    region = sites.region or _REGION
    stack = f"{sites.environment}-compute-{sites.cluster}"
    wanted = " || ".join(f"OutputKey=='{key}'" for key in sites.outputs.values())
    return "\n".join(
        [
            f"# Deploy first: make deploy ENV=<file of {sites.environment}>.",
            f"# These values go into the files of {', '.join(sites.sites[name].nodes)};",
            "# none is a secret. Keys of certificates stay on their hosts.",
            f"aws cloudformation describe-stacks --region {region} --stack-name {shlex.quote(stack)} \\",
            f'  --query "Stacks[0].Outputs[?{wanted}].[OutputKey,OutputValue]" --output text',
        ]
    )
