"""Whether an upgrade is possible at all: one minor version up, between known versions."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from functools import cached_property

from eks_facts.versions import kubernetes_versions
from responsibility.account.environment import env_of, file_named
from responsibility.checks import all_checks
from responsibility.checks.run import run
from responsibility.findings import Finding
from responsibility.reading.eks import Cluster
from responsibility.reading.facts import Facts
from responsibility.reading.kubernetes import KubernetesObject
from responsibility.reading.resource import UnknownValue
from responsibility.reading.template import BadSource
from responsibility.upgrade.changes import Minor, minor
from responsibility.upgrade.playbook import Gate

ENVIRONMENT_TAG = "eks-platform/environment"
"""The tag that this project puts on every resource."""
_CHECKS = ("EKR019", "EKR040", "EKR042", "EKR044", "EKR072", "EKR080", "EKR082")
"""Checks whose answers the playbook uses instead of asking a second time."""


def findings_of(facts: Facts) -> list[Finding]:
    """Returns the answers of the checks that a playbook uses."""
    return run([check for check in all_checks(facts.origin) if check.info.code in _CHECKS], facts)


@dataclass(frozen=True)
class Upgrade:
    """One cluster on its way from one version to the next."""

    cluster: Cluster
    before: str
    after: str
    findings: tuple[Finding, ...] = ()
    answers: dict[str, list[Gate]] = field(default_factory=dict)
    """What an account answered, by API (``eks:ListInsights``): it takes the place of the question."""

    @property
    def target(self) -> Minor:
        """The version to come."""
        return minor(self.after)

    @property
    def name(self) -> str:
        """The cluster's name for a command: a placeholder where the template gives none."""
        given = self.cluster.resource.maybe("Name")
        return given if isinstance(given, str) and re.fullmatch(r"[\w-]+", given) else "CLUSTER"

    @property
    def environment(self) -> str:
        """The environment of this project that the cluster belongs to; empty = something else made it."""
        tags = self.cluster.resource.maybe("Tags")
        for tag in tags if isinstance(tags, list) else []:
            if isinstance(tag, dict) and tag.get("Key") == ENVIRONMENT_TAG:
                # It becomes part of commands: nothing but a name.
                value = str(tag.get("Value", ""))
                return value if re.fullmatch(r"[a-z0-9][a-z0-9-]*", value) else ""
        return ""

    @cached_property
    def file(self) -> str:
        """The file of its environment; a placeholder where that is not in `environments/`."""
        return str(file_named(self.environment) or f"ENVIRONMENT.yaml (whose name is {self.environment})")

    @cached_property
    def env(self) -> str:
        """What `ENV=` takes for its environment; a placeholder where its file is not in `environments/`."""
        file = file_named(self.environment)
        return shlex.quote(env_of(file)) if file else "ENVIRONMENT.yaml"

    @cached_property
    def objects(self) -> list[KubernetesObject]:
        """Its Kubernetes objects, and those of no known cluster."""
        facts = self.cluster.facts
        return [item for key in (self.cluster.resource.key, "") for item in facts.belonging(KubernetesObject, key)]

    def found(self, code: str) -> list[Finding]:
        """Returns a check's answers about this cluster, or about something of no known cluster."""
        mine = (self.cluster.resource.key, "")
        return [one for one in self.findings if one.code == code and one.cluster in mine and one.subject]


def plan(cluster: Cluster, target: str, start: str | None) -> tuple[str, str]:
    """Returns the versions before and after. Raises BadSource for an upgrade that EKS refuses, or that cannot be judged.

    Args:
        cluster: what to upgrade.
        target: the version to come.
        start: the version that runs, for a template that does not say.
    """
    known = list(kubernetes_versions())
    if target not in known:
        raise BadSource(f"--to {target}: EKS is not known to offer it; known are {', '.join(known)}")
    before = _version(cluster, start)
    here, there = minor(before), minor(target)
    words = f"{cluster.words} has Kubernetes {before}"
    if here == there:
        raise BadSource(f"{words} already. Give the templates from before the change, or a newer --to")
    if here > there:
        raise BadSource(
            f"{words}, newer than {target}. An upgrade only goes up; going back is possible for 7 days: "
            "https://docs.aws.amazon.com/eks/latest/userguide/rollback-cluster.html"
        )
    if there != (here[0], here[1] + 1):
        raise BadSource(
            f"{words}: EKS takes one minor version at a time. Go to {here[0]}.{here[1] + 1} first: "
            f"--to {here[0]}.{here[1] + 1}"
        )
    return before, target


def _version(cluster: Cluster, start: str | None) -> str:
    if start is not None and not re.fullmatch(r"1\.\d{2}", start):
        raise BadSource(f"--from {start}: is not a Kubernetes version; write it as 1.36")
    try:
        stated = str(cluster.get("Version", "") or "")
    except UnknownValue as unknown:
        if start:
            return start
        raise BadSource(
            f"{cluster.words}: its Kubernetes version was not read ({unknown.reason}). Say it: --from 1.36"
        ) from None
    if not stated:
        if start:
            return start
        raise BadSource(f"{cluster.words}: states no Kubernetes version. Say which one runs: --from 1.36")
    # A patch version belongs to no cluster of EKS, and 1.30 written without quotes reads 1.3.
    if not re.fullmatch(r"1\.\d{2}", stated):
        raise BadSource(f"{cluster.words}: {stated} is not a Kubernetes version of EKS; in YAML write it in quotes")
    if start and start != stated:
        raise BadSource(f"--from {start}: {cluster.words} states {stated}")
    return stated
