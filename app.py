#!/usr/bin/env python3
"""The front door: reads one environment file and builds its stacks. `npx cdk synth -c env=demo`."""

import gc
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from safe_io.errors import BadInput, run
from safe_io.terminal import one_line
from stacks.assembly import assembly
from stacks.node import use_pinned_node

if TYPE_CHECKING:
    import aws_cdk as cdk

    from stacks.environment.cluster_spec import LockFile
    from stacks.environment.context import SynthOptions
    from stacks.environment.model import Environment
    from stacks.environment.workload_spec import Delivery

ROOT = Path(__file__).parent
if find_spec("eks_constructs") is None:
    sys.path.append(str(ROOT / "constructs"))  # `pip install -r requirements.txt` alone leaves our own package out

ACCEPT = "the checks found something. Fix it, or accept it with a reason in stacks/synth_checks/acknowledgements.yaml"


def main() -> int:
    """Synthesises the environment that the context key `env` names; returns the exit code. Raises BadInput."""
    if find_spec("jsii") is None:
        advice = "`make setup` installs them into .venv, and `. .venv/bin/activate` makes this shell use them"
        raise BadInput(f"{sys.executable} does not have this project's packages. {advice}")
    from stacks.environment.context import read_context, synth_options
    from stacks.environment.path import environment_path

    context = read_context(ROOT / "cdk.json", os.environ.get("CDK_CONTEXT_JSON"))
    # A wrong name need not wait for the CDK.
    path = None if context.get("fleet") else environment_path(context.get("env"))
    use_pinned_node()
    _import_cdk_and_pydantic()

    from stacks.cdk_command import only_lists
    from stacks.environment.loading import load_environment, load_lock

    options = synth_options(context)
    if options.checks and only_lists():
        options = replace(options, checks=False)
    if path is None:
        return _fleet(context, options)
    environment = _delivered(load_environment(path, today=options.today), options.delivery)
    lock = load_lock(path)
    _check_known("before_pools", options.before_pools, environment)
    options = replace(options, sizes=_fitting(options.sizes, environment))
    return _synthesise(path, lambda folder: _write(folder, path, environment, lock, options, context))


def _fleet(context: dict[str, Any], options: "SynthOptions") -> int:
    """Synthesises what moves the fleet that the context key `fleet` names; returns the exit code. Raises BadInput."""
    if context.get("env"):
        raise BadInput(
            "-c env and -c fleet are both said; an environment has clusters, a fleet what moves it: name one of them"
        )
    from fleet.app import add_stacks
    from fleet.loading import load_fleet
    from fleet.path import fleet_path

    path = fleet_path(context["fleet"])
    fleet = load_fleet(path, today=options.today)

    def write(folder: Path) -> None:
        app = _app(folder, options, context)
        add_stacks(app, fleet)
        if options.checks:
            from stacks.synth_checks.plugins import add_plugins

            add_plugins(app, options.today or date.today())
        _synth(app, folder, options)

    return _synthesise(path, write)


def _synthesise(path: Path, write: Callable[[Path], None]) -> int:
    """Writes an assembly of a file; returns the exit code. Raises BadInput."""
    try:
        with assembly(os.environ.get("CDK_OUTDIR")) as folder:
            write(folder)
    except ChecksFailed as findings:
        print(f"{findings}\n{path}: {ACCEPT}".lstrip(), file=sys.stderr)
        return 1
    return 0


def _import_cdk_and_pydantic() -> None:
    """Imports both at once: Node loads the CDK while Python loads pydantic, the largest library that does not need it.

    The two threads import no module in common: both would wait for its lock. jsii comes first, for its libraries are of
    many uses. Whatever else imports the CDK waits for the end: two threads that talk to jsii at once take each other's answers.
    """
    import_module("jsii")
    cdk = Thread(target=import_module, args=["aws_cdk"], daemon=True)
    cdk.start()
    import_module("pydantic.main")
    cdk.join()


class ChecksFailed(Exception):
    """The checks found something. Its text is their report."""


def _write(
    folder: Path,
    path: Path,
    environment: "Environment",
    lock: "LockFile | None",
    options: "SynthOptions",
    context: dict[str, Any],
) -> None:
    """Synthesises into an empty folder the environment of the file ``path``. Raises BadInput, ChecksFailed and LimitExceeded."""
    from eks_constructs.spec import Misplaced
    from safe_io.layers import Layered
    from stacks.hook import customize
    from stacks.overrides import apply
    from stacks.platform import build
    from stacks.synth_checks.limits import check_manifests

    app = _app(folder, options, context)
    platform = build(
        app,
        environment,
        lock=lock,
        before_pools=options.before_pools,
        sizes=options.sizes,
    )
    customize(path, platform)
    try:
        apply(app, environment.overrides)
    except Misplaced as problem:
        Layered(path).fail(problem.where, str(problem))
    if context.get("delivery"):
        platform.only_to_look_at(f"It was synthesised with -c delivery={context['delivery']}, which is to look at")
    if options.checks:
        from stacks.synth_checks.plugins import add_checks

        add_checks(app, platform, options.today or date.today())
    _synth(app, folder, options)
    platform.write_manifests(folder / "manifests")
    platform.write_handouts(folder)
    check_manifests(folder / "manifests")


def _app(folder: Path, options: "SynthOptions", context: dict[str, Any]) -> "cdk.App":
    """Returns an app that writes into an empty folder."""
    import aws_cdk as cdk

    # The limit on resources is ours to tell (stacks/synth_checks/limits.py), in words and for every stack.
    context["@aws-cdk/core:stackResourceLimit"] = 0
    return cdk.App(
        context=context,
        # The CLI says false, and reads findings from the assembly: by then it would have taken the place of the last one.
        post_cli_context={"@aws-cdk/core:failSynthOnValidationErrors": True},
        outdir=str(folder),
        analytics_reporting=False,
        builtin_cloud_formation_validation=None if options.checks else False,
    )


def _synth(app: "cdk.App", folder: Path, options: "SynthOptions") -> None:
    """Writes the templates of an app. Raises ChecksFailed and LimitExceeded."""
    from stacks.synth_checks.limits import check_templates

    try:
        app.synth()
    except RuntimeError as failure:
        raise failed(failure) from None
    # Errors raise; what else was found and not accepted fails here all the same.
    if options.checks and (found := list(_found(folder / "validation-report.json"))):
        raise ChecksFailed("\n".join(found))
    check_templates(sorted(folder.glob("*.template.json")))


def failed(failure: RuntimeError) -> Exception:
    """Returns what ends a synth that the CDK ended: ChecksFailed, or a defect if a check itself crashed."""
    if "ValidationFailed" not in str(failure):
        return failure
    if crashed := re.search(r"Validation plugin '[^']+' failed: .*", str(failure)):
        return RuntimeError(crashed[0])
    # Without the path of the report, in a folder that goes now.
    report = re.sub(r"(Validation failed\. )?A copy of this report can be found in: .*", "", str(failure))
    return ChecksFailed(report.removeprefix("ValidationFailed:").strip())


def _found(report: Path) -> Iterator[str]:
    """Yields the findings of a validation report that were not accepted, a line for each construct."""
    for plugin in json.loads(report.read_text())["pluginReports"]:
        for violation in plugin["violations"]:
            for construct in violation["violatingConstructs"]:
                rule = f"{plugin['pluginName'].replace(' ', '-')}::{violation['ruleName']}"
                yield f"{construct['constructPath']}: {violation['description']} ({rule})"


def _delivered(environment: "Environment", delivery: "Delivery | None") -> "Environment":
    """Returns the environment with another delivery of its Kubernetes objects, if the command names one."""
    if delivery is None:
        return environment
    if delivery == "gitops" and environment.gitops is None:
        raise BadInput(
            f"delivery is gitops, and {environment.name} names no repository: add gitops to its file (docs/gitops.md)"
        )
    clusters = [cluster.model_copy(update={"delivery": delivery}) for cluster in environment.clusters]
    return environment.model_copy(update={"clusters": clusters})


def _check_known(key: str, names: Sequence[str], environment: "Environment") -> None:
    """Raises BadInput for a name, in a key of the context, that no cluster of the environment has."""
    clusters = [cluster.name for cluster in environment.clusters]
    if unknown := [name for name in names if name not in clusters]:
        raise BadInput(
            one_line(f"{key} names {', '.join(unknown)}; the clusters of {environment.name} are: {', '.join(clusters)}")
        )


def _fitting(sizes: Mapping[tuple[str, str], int], environment: "Environment") -> Mapping[tuple[str, str], int]:
    """Returns the sizes of node groups. Raises BadInput for a group that there is not, and for a size beyond its limits."""
    groups = {
        (cluster.name, group.name): group
        for cluster in environment.clusters
        for group in (cluster.compute.managed_nodes.groups if cluster.compute.managed_nodes else [])
    }
    for (cluster, name), size in sizes.items():
        group = groups.get((cluster, name))
        if group is None:
            raise BadInput(one_line(f"sizes names {cluster}/{name}; {environment.name} has no such node group"))
        if not group.min_size <= size <= group.max_size:
            raise BadInput(
                one_line(
                    f"sizes gives {cluster}/{name} {size} nodes; its file says {group.min_size} to {group.max_size}"
                )
            )
    return sizes


if __name__ == "__main__":
    gc.disable()  # a short process: collecting the CDK's many classes takes longer than it saves (0.3 s of 1.4 s)
    code = run(main, program="app.py")
    gc.freeze()  # ... on the way out too
    sys.exit(code)
