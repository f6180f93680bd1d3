"""The Kubernetes objects of a fleet in a Git working copy: the tree of each environment, and one ApplicationSet over all of them."""

import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from delivery.gitops.objects import text
from fleet.model import Fleet, Member, Wave
from fleet.synthesis import Run, synthesise
from fleet.wave_spec import ALL_WAVES
from safe_io.errors import BAD_INPUT, FINDINGS, OK, BadInput
from safe_io.output import staged
from safe_io.ownership import listed
from safe_io.terminal import one_line
from safe_io.text_file import read_text
from stacks.environment.gitops_spec import GitOpsSpec

FILE = "applicationset.yaml"
_MAX_BYTES = 1_000_000


def write_trees(
    fleet: Fleet, wave: str, out: Path, *, look_up: bool, check: bool, run: Run, say: Callable[[str], None]
) -> int:
    """Writes the trees of a wave's environments; returns the worst exit code of all.

    Args:
        fleet: the fleet.
        wave: name of a wave, or `all`, which also writes the ApplicationSet over the fleet.
        out: a working copy of the repository.
        look_up: asks the accounts for the values that only they know.
        check: writes nothing, and returns 1 if something would change.
        run: runs a program with an environment; returns its exit code.
        say: prints a line of progress.

    Raises BadInput: there is no such wave, no environment of it is delivered by Git, or they name several repositories.
    """
    waves = fleet.waves if wave == ALL_WAVES else (fleet.waves[fleet.wave(wave)],)
    members = [one for of in waves for one in of.members if one.environment.gitops]
    if not members:
        raise BadInput(f"{fleet.path}: no environment of wave {wave} has gitops (docs/gitops.md)")
    first = members[0]
    for one in members:
        if _place(one) != _place(first):
            raise BadInput(
                f"{one.path}: {one.environment.name} names another repository or branch than {first.environment.name}; write them one by"
                " one, into a working copy each: make gitops ENV=... OUT=..."
            )
    worst = OK
    for number, one in enumerate(members, 1):
        say(f"{number}/{len(members)} {one.environment.name}")
        worst = max(worst, _tree(fleet, one, out, look_up=look_up, check=check, run=run))
    if wave == ALL_WAVES and worst != BAD_INPUT:
        if found := application_set(fleet):
            worst = max(worst, _application_set(out / found[0], text(found[1]), say, check=check))
        for line in _left_behind(fleet, members, out, with_set=found is not None):
            say(line)
    return worst


def _left_behind(fleet: Fleet, members: Sequence[Member], out: Path, *, with_set: bool) -> Iterator[str]:
    """Yields a line for each tree of ours that is of no member: it may be another fleet's, so it is for a person to delete."""
    of_set = f"fleet-{fleet.spec.name}"
    expected = {one.environment.name for one in members} | ({of_set} if with_set else set())
    for top in sorted({_settings(one).path for one in members}):
        for folder in sorted(path for path in (out / top).glob("*") if path.is_dir()):
            is_tree = folder.name == of_set or (folder / "bootstrap").is_dir()
            if is_tree and folder.name not in expected and listed(folder):
                inside = shlex.quote(str(folder.relative_to(out)))
                yield one_line(
                    f"{folder}: this fleet has no such environment with delivery: gitops. If nothing uses the folder any more, delete"
                    f" it, and the Application or Kustomization that reads it: git rm -r {inside} (docs/gitops.md)"
                )


def _place(member: Member) -> tuple[str, str]:
    settings = _settings(member)
    return settings.repository, settings.revision


def _settings(member: Member) -> GitOpsSpec:
    settings = member.environment.gitops
    if settings is None:
        raise ValueError(f"{member.environment.name} has no gitops")
    return settings


def _tree(fleet: Fleet, member: Member, out: Path, *, look_up: bool, check: bool, run: Run) -> int:
    profile = fleet.account_of(member).profile
    child = {**os.environ, "AWS_REGION": member.region, **({"AWS_PROFILE": profile} if profile else {})}
    with tempfile.TemporaryDirectory(prefix="eks-platform-fleet-") as folder:
        made = Path(folder) / "cdk.out"
        if code := synthesise(member.path, made, run):
            return max(code, BAD_INPUT)
        flags = [*(["--look-up"] if look_up else []), *(["--check"] if check else [])]
        code = run([sys.executable, "-m", "delivery", "gitops", str(made), f"--output={out}", *flags], child)
    return code if code in (OK, FINDINGS) else BAD_INPUT


def _application_set(path: Path, content: str, say: Callable[[str], None], *, check: bool) -> int:
    """Writes the ApplicationSet, or says that it differs; returns the exit code."""
    if path.is_file() and read_text(path, max_bytes=_MAX_BYTES) == content:
        return OK
    if check:
        say(f"{path}: would be written (--check)")
        return FINDINGS
    with staged(path.parent) as new:
        (new / path.name).write_text(content, encoding="utf-8")
    say(f"{path}: written; apply it once in the hub: it brings the bootstrap of every environment")
    return OK


def application_set(fleet: Fleet) -> tuple[str, dict[str, Any]] | None:
    """Returns the path and the content of the ApplicationSet over the fleet.

    None: there is no hub that all of its environments name, as Flux has none and a capability is of one environment.
    """
    members: list[tuple[Wave, Member]] = [
        (wave, one)
        for wave, one in fleet.members
        if (found := one.environment.gitops) and found.engine == "argo_cd" and found.hub
    ]
    if not members:
        return None
    settings = _settings(members[0][1])
    if any(_hub(one) != _hub(members[0][1]) for _, one in members):
        return None
    namespace = settings.namespace or "argocd"
    elements = [
        {
            "environment": one.environment.name,
            "wave": wave.spec.name,
            "path": _path(_settings(one), one.environment.name),
        }
        for wave, one in members
    ]
    name = f"fleet-{fleet.spec.name}"
    template = {
        "metadata": {
            "name": "{{.environment}}.bootstrap",  # no cluster has a dot in its name
            "labels": {"fleet": fleet.spec.name, "wave": "{{.wave}}"},
        },
        "spec": {
            "project": settings.project,
            "source": {"repoURL": settings.repository, "targetRevision": settings.revision, "path": "{{.path}}"},
            "destination": {"name": settings.hub, "namespace": namespace},
            # Projects, clusters and ApplicationSets alone; what is in a cluster is of the environment's own settings.
            "syncPolicy": {"automated": {"prune": False, "selfHeal": True}} if settings.automatic else {},
        },
    }
    spec = {
        "goTemplate": True, "goTemplateOptions": ["missingkey=error"], "generators": [{"list": {"elements": elements}}],
        "syncPolicy": {"preserveResourcesOnDeletion": True}, "template": template,
    }  # fmt: skip
    content = {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet",
        "metadata": {"name": name, "namespace": namespace}, "spec": spec,
    }  # fmt: skip
    return f"{settings.path + '/' if settings.path else ''}{name}/{FILE}", content


def _hub(member: Member) -> Sequence[object]:
    settings = _settings(member)
    return settings.hub, settings.project, settings.namespace, settings.automatic, *_place(member)


def _path(settings: GitOpsSpec, environment: str) -> str:
    return f"{settings.path + '/' if settings.path else ''}{environment}/bootstrap"
