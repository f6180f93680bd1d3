"""Loads a fleet with its environments, or fails with one message that says what is wrong and where."""

import re
from collections.abc import Iterator
from datetime import date
from itertools import accumulate
from pathlib import Path
from typing import Any

from fleet.model import Fleet, Member, Wave
from fleet.spec import MAX_ENVIRONMENTS, FleetSpec
from fleet.waves import assigned
from operations.environment import stack_names
from safe_io.where import Where
from safe_io.yaml_file import YamlFile
from stacks.environment.loading import load_environment
from stacks.environment.problems import did_you_mean
from stacks.environment.validating import validated

_NUMBER = re.compile(r"(?<![\w-])\d{12}(?![\w-])")
"""An account, in an ARN or the name of a registry."""
_APART = 1
"""Minor versions between two clusters of a fleet, at most: then each upgrade was tried on the ones before."""


def load_fleet(path: Path, *, today: date | None = None) -> Fleet:
    """Reads a fleet file and the environments that it names.

    Args:
        path: the YAML file.
        today: the day for support dates; default: today.

    Raises:
        BadInput: the fleet, or one of its environments, is wrong.
    """
    document = YamlFile(path)
    spec = validated(document, FleetSpec, entries=MAX_ENVIRONMENTS)
    members = [Member(file, where, load_environment(file, today=today)) for file, where in _files(document, spec)]
    _check_names(document, members)
    _check_places(document, spec, members)
    others = {one.environment.name: _others(document, spec, one) for one in members}
    waves = tuple(
        Wave(wave, tuple(members[index] for index in indices))
        for wave, indices in zip(spec.waves, assigned(document, spec, members), strict=True)
    )
    _check_versions(document, members, waves)
    return Fleet(path, spec, waves, others)


def _files(document: YamlFile, spec: FleetSpec) -> Iterator[tuple[Path, Where]]:
    """Yields each environment file and the key that names it."""
    for index, text in enumerate(spec.environments):
        where = ("environments", index)
        folder, name = document.path.parent / Path(text).parent, Path(text).name
        if "*" in str(
            folder.relative_to(document.path.parent)
            if folder.is_relative_to(document.path.parent)
            else text[: -len(name)]
        ):
            document.fail(where, f'found "{text}"; * is for the name of a file, not of a folder')
        try:
            found = sorted(_that_fit(folder, name)) if "*" in name else [name] if (folder / name).is_file() else []
            there = [] if found else sorted(_that_fit(folder, "*.yaml"))
        except OSError:  # a folder that nobody can read, or a name that no file can have
            found = there = []
        if not found:
            document.fail(where, f'found "{text}"; there is no file {folder / name}.{did_you_mean(name, there)}')
        for one in found:
            yield folder / one, where


def _that_fit(folder: Path, name: str) -> Iterator[str]:
    """Yields the names of the environment files in a folder that are like ``name``, in which only ``*`` is more than itself."""
    like = re.compile(".*".join(map(re.escape, name.split("*"))), re.DOTALL)
    for one in folder.iterdir() if folder.is_dir() else ():
        if like.fullmatch(one.name) and not one.name.endswith(".lock.yaml") and one.is_file():
            yield one.name


def _check_names(document: YamlFile, members: list[Member]) -> None:
    """Raises BadInput for an environment, or a cluster, that is there twice."""
    names: dict[str, Member] = {}
    clusters: dict[tuple[str, str, str], Member] = {}
    for one in members:
        name = one.environment.name
        if name in names:
            document.fail(
                one.where,
                f"{one.path} is the environment {name}, and so is {names[name].path}; a fleet has each once, so rename one or leave it out",
            )
        names[name] = one
        for cluster in one.environment.clusters:
            key = (one.account, one.region, cluster.name)
            if key in clusters:
                document.fail(
                    one.where,
                    f"{name} has the cluster {cluster.name}, which {clusters[key].environment.name} has too, in account {one.account}"
                    f" and {one.region}; a cluster is in one environment",
                )
            clusters[key] = one
    stacks: dict[tuple[str, str, str], Member] = {}
    for one in members:
        for stack in sorted(stack_names(one.environment)):
            other = stacks.setdefault((one.account, one.region, stack), one)
            if other is not one:
                document.fail(
                    one.where,
                    f"{one.environment.name} has the stack {stack}, and so has {other.environment.name}, in account {one.account} and"
                    f" {one.region}: each would overwrite the other's; rename one of the two",
                )


def _check_places(document: YamlFile, spec: FleetSpec, members: list[Member]) -> None:
    """Raises BadInput for an environment without account and region, or in one that no bootstrap is named for."""
    for one in members:
        name, environment = one.environment.name, one.environment
        if not (environment.account and environment.region):
            lacks = " and ".join(key for key in ("account", "region") if not getattr(environment, key))
            document.fail(
                one.where, f"{one.path} names no {lacks}; in a fleet each environment has its own, so set both there"
            )
        if one.account not in spec.accounts:
            document.fail(
                one.where,
                f"{name} is in account {one.account}, which accounts does not have; add it, with the regions of its bootstrap",
            )
        regions = spec.accounts[one.account].bootstrap
        if one.region not in regions:
            document.fail(
                ("accounts", one.account, "bootstrap"),
                f"found {', '.join(regions)}; {name} is in {one.region}: run cdk bootstrap aws://{one.account}/{one.region}, and add it",
            )
    used = {one.account for one in members}
    for number in spec.accounts:
        if number not in used:
            document.fail(("accounts", number), "no environment is in this account; remove it")


def _others(document: YamlFile, spec: FleetSpec, member: Member) -> tuple[str, ...]:
    """Returns the accounts that an environment names beside its own. Raises BadInput for one that the fleet does not name."""
    found = set(_NUMBER.findall(" ".join(_texts(member.environment.model_dump(mode="json")))))
    for number in sorted(found - {member.account}):
        if number not in spec.accounts and number not in spec.other_accounts:
            document.fail(
                member.where,
                f"{member.environment.name} names something of account {number}; say in other_accounts what for, or mend {member.path}",
            )
    return tuple(sorted(found - {member.account}))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from (str(key), *_texts(one))
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def minor(version: str) -> int:
    """Returns 36 for Kubernetes 1.36."""
    return int(version.split(".")[1])


def _check_versions(document: YamlFile, members: list[Member], waves: tuple[Wave, ...]) -> None:
    """Raises BadInput where versions are too far apart, or a wave gets one that no wave before it has."""
    versions = {
        (one.environment.name, cluster.name): (minor(cluster.control_plane.kubernetes_version), one)
        for one in members
        for cluster in one.environment.clusters
    }
    newest, oldest = max(versions.values(), key=lambda one: one[0]), min(versions.values(), key=lambda one: one[0])
    if newest[0] - oldest[0] > _APART:
        document.fail(
            oldest[1].where,
            f"{oldest[1].environment.name} has Kubernetes 1.{oldest[0]}, and {newest[1].environment.name} 1.{newest[0]}: clusters of a"
            f" fleet are at most {_APART} minor version apart; upgrade the older ones first",
        )
    most = [
        max(versions[one.environment.name, c.name][0] for one in wave.members for c in one.environment.clusters)
        for wave in waves
    ]
    for index, (before, after) in enumerate(zip(accumulate(most, max), most[1:], strict=False), 1):
        if after > before:
            document.fail(
                ("waves", index),
                f"{waves[index].spec.name} has Kubernetes 1.{after}, which no wave before it has: an upgrade begins with the first wave,"
                f" {waves[0].spec.name}",
            )
