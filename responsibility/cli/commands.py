"""The command line: `python -m responsibility review | audit | compliance | upgrade | matrix | explain | checks | lock-addons | refresh`.

Exit code 0: nothing is open at or above `--fail-on`; 1: something is; 2: bad input, with one message; 70: a defect of ours.
`--debug` (or EKS_DEBUG=1) shows the traceback of whatever stopped it.
"""

from __future__ import annotations

import gc
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from responsibility.cli import reference
from responsibility.cli.application import PipeClosed, app
from responsibility.cli.options import (
    AcceptedFile,
    AsFormat,
    AsOf,
    FailOn,
    FailOnDuty,
    Output,
    Parameter,
    ParametersFile,
    Prices,
    Profile,
    Quiet,
    Region,
    day,
)
from responsibility.cli.output import (
    PROGRAM,
    complain,
    end_with_defects,
    progress,
    report,
    save_or_print,
    tell,
    tell_line,
    voices,
)
from responsibility.cli.refresh import refresh
from safe_io import errors


@app.command()
def review(
    assembly: Annotated[
        str | None,
        typer.Option(
            "--assembly",
            "--template",
            "-a",
            help="A cdk.out folder, a template, a folder of them, or - (standard input); the default is cdk.out.",
        ),
    ] = None,
    manifests: Annotated[
        list[str] | None,
        typer.Option(
            help="Kubernetes YAML: a folder, a file, or - (`helm template ... |`); may be repeated. Needs no template."
        ),
    ] = None,
    compute: Annotated[
        list[str] | None,
        typer.Option(help="With --manifests alone: the kind of compute they run on, like auto-mode; may be repeated."),
    ] = None,
    kubernetes_version: Annotated[
        str | None, typer.Option(help="With --manifests alone: like 1.36; the default is the newest of EKS.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Another assembly or template: report what changed since.")
    ] = None,
    format_: AsFormat = None,
    output: Output = None,
    fail_on: FailOnDuty = FailOn.HIGH,
    as_of: AsOf = None,
    accepted: AcceptedFile = None,
    prices: Prices = None,
    parameter: Parameter = None,
    parameters: ParametersFile = None,
    quiet: Quiet = False,
) -> None:
    """Read CloudFormation and report who is responsible for what, and which of your duties are open."""
    from responsibility.review.command import Request
    from responsibility.review.command import review as read  # here, so that --help is quick

    document = read(
        Request(
            assembly=assembly if assembly is not None or manifests else "cdk.out",
            manifests=tuple(manifests or ()),
            compute=tuple(compute or ()),
            kubernetes_version=kubernetes_version,
            baseline=baseline,
            as_of=day(as_of),
            accepted=accepted,
            prices=prices,
            parameter=tuple(parameter or ()),
            parameters=parameters,
        ),
        warn=lambda words: None if quiet else complain(words),
    )
    report(document, format_, output or [], fail_on, quiet=quiet)


@app.command()
def audit(
    cluster: Annotated[
        list[str] | None, typer.Option(help="A cluster's name; may be repeated. The default is all.")
    ] = None,
    assembly: Annotated[
        str | None,
        typer.Option(
            "--assembly", "--template", "-a", help="What `review` takes: report where what runs differs from it."
        ),
    ] = None,
    region: Region = None,
    profile: Profile = None,
    format_: AsFormat = None,
    output: Output = None,
    fail_on: FailOnDuty = FailOn.HIGH,
    as_of: AsOf = None,
    accepted: AcceptedFile = None,
    prices: Prices = None,
    quiet: Quiet = False,
) -> None:
    """Read the clusters of an AWS account, and report who is responsible for what, and which of your duties are open or overdue."""
    from responsibility.audit.command import Request
    from responsibility.audit.command import audit as read

    request = Request(
        as_of=day(as_of),
        clusters=tuple(cluster or []),
        region=region,
        profile=profile,
        assembly=assembly,
        accepted=accepted,
        prices=prices,
    )
    document = read(request, *voices(quiet=quiet))
    report(document, format_, output or [], fail_on, quiet=quiet)


@app.command()
def upgrade(
    to: Annotated[str, typer.Option(help="The Kubernetes version to upgrade to: the next minor one, like 1.37.")],
    assembly: Annotated[
        str | None,
        typer.Option(
            "--assembly",
            "--template",
            "-a",
            help="What `review` takes, from before the change. The default is cdk.out, unless an account is asked.",
        ),
    ] = None,
    cluster: Annotated[
        list[str] | None,
        typer.Option(help="This cluster; may be repeated. Without --assembly: one of the account."),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the account; with --assembly, what its templates leave open.")
    ] = False,
    region: Region = None,
    profile: Profile = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="The version that runs, if the templates do not have it.")
    ] = None,
    format_: AsFormat = None,
    output: Output = None,
    as_of: AsOf = None,
    quiet: Quiet = False,
) -> None:
    """Write the playbook of an upgrade: what blocks it, then the steps. Exit code 1: there are blockers."""
    from responsibility.render.playbook import render
    from responsibility.upgrade.command import Request, playbook

    asked = live or bool(region or profile) or (bool(cluster) and assembly is None)
    request = Request(
        to,
        assembly if assembly is not None else "" if asked else "cdk.out",
        day(as_of),
        tuple(cluster or []),
        from_,
        live=asked,
        region=region,
        profile=profile,
    )
    document = playbook(request, *voices(quiet=quiet))
    tell(lambda name: render(document, name), format_, output or [])
    end_with_defects(document.defects)
    if document.blocked:
        raise typer.Exit(errors.FINDINGS)


@app.command()
def compliance(
    framework: Annotated[
        str, typer.Option(help="The framework: cis-eks, security-hub, nist-800-53 or eks-best-practices.")
    ],
    assembly: Annotated[str, typer.Option("--assembly", "--template", "-a", help="What `review` takes.")] = "cdk.out",
    findings: Annotated[
        Path | None, typer.Option(help="Instead of templates: what `review` or `audit` wrote with --format json.")
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", "-f", help="text, md, html, json or oscal (assessment results).")
    ] = "text",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write FILE.")] = None,
    as_of: AsOf = None,
    accepted: AcceptedFile = None,
    parameter: Parameter = None,
    parameters: ParametersFile = None,
) -> None:
    """Show the state of each control of a framework. Exit code 1: a control is open."""
    from responsibility.compliance.command import Request, assessment
    from responsibility.render.compliance import render
    from responsibility.review.command import Request as ReviewRequest

    reviewed = ReviewRequest(
        assembly=assembly,
        as_of=day(as_of),
        accepted=accepted,
        parameter=tuple(parameter or ()),
        parameters=parameters,
    )
    found, defects = assessment(Request(framework, reviewed, findings), complain)
    save_or_print(render(found, format_), output)
    end_with_defects(defects)
    if found.counts["open"]:
        raise typer.Exit(errors.FINDINGS)


for command in (reference.matrix, reference.explain, reference.checks):
    app.command()(command)


@app.command(name="lock-addons")
def lock_addons(
    env: Annotated[str | None, typer.Option(help="The environment whose lock file to write: demo, or a path.")] = None,
    assembly: Annotated[
        str, typer.Option("--assembly", "-a", help="The assembly made from it, which shows the planned add-ons.")
    ] = "cdk.out",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write FILE; the default is ENV.lock.yaml next to the environment."),
    ] = None,
    latest: Annotated[bool, typer.Option("--latest", help="The newest versions, not the defaults of EKS.")] = False,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Ask EKS for the add-on versions that fit an environment, and write its lock file."""
    from responsibility.account.lock import Request, lock

    request = Request(env=env, assembly=assembly, output=output, latest=latest, region=region, profile=profile)
    lock(request, say=tell_line, warn=complain, progress=progress)


app.add_typer(refresh, name="refresh")


def main() -> None:
    """Runs the command line; turns an error into one message and an exit code."""
    # The command runs for a second and frees little: collecting costs more than the memory.
    gc.disable()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A template may contain letters that this terminal cannot show.
            stream.reconfigure(errors="backslashreplace")
    sys.exit(errors.run(_command, program=PROGRAM))


def _command() -> int:
    try:
        app(prog_name=PROGRAM)
    except SystemExit as end:
        # The caller flushes what was printed: a full disk shows there.
        return end.code if isinstance(end.code, int) else errors.OK
    except PipeClosed:
        raise BrokenPipeError from None
    return errors.OK
