"""The command line."""

import argparse
import re
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from eks_facts.versions import kubernetes_versions
from local_kubernetes.nodes.pressure import Usage
from rehearse.document import VERDICTS
from rehearse.render import FORMATS, SUFFIXES
from safe_io.errors import BadInput

PROGRAM = "python -m rehearse"


@dataclass(frozen=True)
class Options:
    """What was asked for: one question, of one input."""

    to: str | None
    drain: str | None
    replace_pool: str | None
    back: bool
    env: str | None
    assembly: str | None
    cluster: str | None
    only: str | None
    context: str | None
    kubeconfig: str | None
    version: str | None
    format: str
    outputs: tuple[Path, ...]
    fail_on: str
    quota: int | None
    usage: Usage
    quiet: bool


def read_options(arguments: list[str]) -> Options:
    """Returns the options. Raises BadInput; SystemExit for what argparse says itself."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description="Plays an upgrade, a drain or the failure of a zone on a local Kubernetes."
    )
    question = parser.add_mutually_exclusive_group(required=True)
    question.add_argument(
        "--to", metavar="VERSION", help="the Kubernetes version to upgrade to: the next minor one, like 1.37, or next"
    )
    question.add_argument(
        "--drain", metavar="NODE|GROUP|ZONE", help="what if its nodes are drained; a zone fails without a word"
    )
    question.add_argument("--replace-pool", metavar="NAME", help="what if everything moves off a node group or pool")
    question.add_argument("--schema", action="store_true", help="print the JSON schema of the report")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--env", metavar="FILE", help="an environment file, or its name in environments/")
    source.add_argument(
        "--assembly", metavar="DIR", help="a cdk.out, a template, or a folder of both and of Kubernetes files"
    )
    source.add_argument("--cluster", metavar="NAME", help="a running cluster, by kubectl: it is only read")
    parser.add_argument("--only", metavar="CLUSTER", help="which cluster, where the input has several")
    parser.add_argument("--context", help="kubectl's context, with --cluster (default: the current one)")
    parser.add_argument("--kubeconfig", help="kubectl's configuration, with --cluster")
    parser.add_argument(
        "--from", dest="version", metavar="VERSION", help="the version that runs, if the input does not have it"
    )
    parser.add_argument("--rollback", action="store_true", dest="back", help="with --to: play the way back, too")
    parser.add_argument("--quota", type=int, metavar="N", help="instances that the account may have")
    parser.add_argument(
        "--usage",
        choices=get_args(Usage),
        default="requests",
        help="what pods use of memory and disk: what they request (default), or all that their limits allow",
    )
    parser.add_argument("--format", choices=list(FORMATS), default="text", help="what is printed")
    parser.add_argument(
        "-o",
        "--output",
        action="append",
        default=[],
        metavar="FILE",
        help="also into a file: .txt, .md, .html or .json",
    )
    parser.add_argument(
        "--fail-on",
        choices=[*VERDICTS, "never"],
        default="down",
        help="exit code 1 from this verdict on (default: down)",
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing about progress")
    given = parser.parse_args(arguments)
    outputs = tuple(Path(one) for one in given.output)
    for path in outputs:
        if path.suffix not in SUFFIXES:
            raise BadInput(f"--output {path}: the name must end with {', '.join(SUFFIXES)}")
    if not given.schema and not (given.env or given.assembly or given.cluster):
        raise BadInput("name what to rehearse: --env FILE, --assembly DIR or --cluster NAME")
    for name, value in (("--to", given.to), ("--from", given.version)):
        if (
            value is not None
            and (name, value) != ("--to", "next")
            and (not re.fullmatch(r"1\.\d{2}", value) or value not in kubernetes_versions())
        ):
            raise BadInput(
                f"{name} {value}: EKS is not known to offer it; known are {', '.join(kubernetes_versions())}"
            )
    if given.back and not given.to:
        raise BadInput("--rollback: belongs to --to")
    if given.quota is not None and given.quota < 0:
        raise BadInput(f"--quota {given.quota}: must be 0 or more")
    return Options(
        given.to, given.drain, given.replace_pool, given.back, given.env, given.assembly, given.cluster, given.only, given.context,
        given.kubeconfig, given.version, given.format, outputs, given.fail_on, given.quota, given.usage, given.quiet,
    )  # fmt: skip
