"""Reads the clusters of an account and region, side by side, into facts."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from responsibility.account.errors import AccountError
from responsibility.account.session import CONNECTIONS, Account
from responsibility.audit.clusters import give_addons_their_roles, read_cluster
from responsibility.audit.drift import Drift
from responsibility.audit.linking import link
from responsibility.audit.offers import add_offers
from responsibility.audit.principals import principals, read_principal
from responsibility.audit.questions import Gone, Questions, Say
from responsibility.audit.sites import read_sites
from responsibility.audit.surroundings import (
    keys,
    read_instances,
    read_key,
    read_launch_template,
    read_log_groups,
)
from responsibility.audit.vpcs import read_network
from responsibility.reading.facts import Facts
from responsibility.reading.reader import facts_of
from responsibility.reading.resource import Resource
from responsibility.reading.template import BadSource
from responsibility.reading.values import Unknown


def read(
    account: Account,
    names: Sequence[str] = (),
    *,
    say: Say,
    progress: Say | None = None,
    as_of: date | None = None,
    templates: Facts | None = None,
) -> Facts:
    """Returns the facts of clusters that run. It only reads.

    Args:
        account: who is asked; its command must be allowed the calls of ``audit`` (``account/permissions.py``).
        names: of clusters; none = all of the region.
        say: gets denied calls.
        progress: gets the progress; the default is ``say``.
        as_of: the day that support dates are compared with; today if not given.
        templates: the templates to compare with; none = no comparison.

    Raises:
        AccountError: the account cannot be asked at all: credentials, network, throttling.
        BadSource: there is no such cluster, or none.
    """
    ask = Questions(account, say, progress)
    wanted = list(dict.fromkeys(names)) or _listed(ask)
    pool = ThreadPoolExecutor(CONNECTIONS)
    try:
        resources = _clusters(ask, pool, wanted, named=bool(names))
        resources += _around(ask, pool, resources)
        link(resources)
        if templates:
            resources += list(Drift(ask, templates, resources, narrow=bool(names)).comparisons())
    except Gone:
        raise AccountError("something was deleted while it was read. Run it again", "Gone") from None
    except BaseException:
        account.stop()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    return facts_of(resources, as_of or datetime.now(UTC).date(), origin="account")


def _listed(ask: Questions) -> list[str]:
    region = ask.account.region
    try:
        found = ask.items("eks", "list_clusters", "clusters")
    except Gone:
        found = []
    if isinstance(found, Unknown):
        raise AccountError(f"{found.reason} in {region}. Name the clusters with --cluster, or ask for the permission")
    if not found:
        raise BadSource(f"{region}: the account has no EKS cluster there. Name another region with --region")
    return [str(name) for name in found]


def _clusters(ask: Questions, pool: ThreadPoolExecutor, names: list[str], *, named: bool) -> list[Resource]:
    """Returns the clusters and what belongs to them, in the order of their names."""

    def one(name: str) -> list[Resource]:
        try:
            return give_addons_their_roles(read_cluster(ask, name))
        except Gone:
            if named:
                raise BadSource(
                    f"--cluster {name}: there is no such cluster in {ask.account.region}."
                    " `aws eks list-clusters` lists those there are"
                ) from None
            ask.tell(f"{name}: was deleted while it was read; it is left out")
            return []

    if len(names) > 1:
        ask.progress(f"{ask.account.region}: reading {len(names)} clusters")
    found: list[Resource] = []
    step = max(len(names) // 10, 1)
    for number, resources in enumerate(pool.map(one, names), start=1):
        found += resources
        if len(names) > 1 and (number % step == 0 or number == len(names)):
            ask.progress(f"{number} of {len(names)}")
    if not found:
        raise BadSource(f"{ask.account.region}: every cluster was deleted while it was read")
    return found


def _around(ask: Questions, pool: ThreadPoolExecutor, resources: list[Resource]) -> list[Resource]:
    """Returns what clusters use, each thing once, whichever of them use it."""
    clusters = [resource for resource in resources if resource.type == "AWS::EKS::Cluster"]
    names = [cluster.id for cluster in clusters]
    ask.number = next((_number(arn) for cluster in clusters if (arn := cluster.maybe("Arn"))), "")
    for resource in resources:
        if resource.answer:
            resource.answer = replace(resource.answer, account=ask.number)
    groups = [resource for resource in resources if resource.type == "AWS::EKS::Nodegroup"]
    logs = pool.submit(lambda: list(read_log_groups(ask, names)))
    batches: list[Future[Any]] = [
        pool.submit(lambda: list(read_network(ask, resources))),
        pool.submit(lambda: list(read_instances(ask, names))),
        pool.submit(lambda: list(read_sites(ask, resources))),
        pool.submit(add_offers, ask, resources),
        *(pool.submit(read_principal, ask, arn) for arn in principals(resources, ask.number)),
        *(pool.submit(read_launch_template, ask, group) for group in groups),
    ]
    groups_of_logs = logs.result()
    batches += [pool.submit(read_key, ask, arn) for arn in keys([*clusters, *groups_of_logs])]
    found: dict[str, Resource] = {}
    for batch in batches:
        found |= {resource.id: resource for resource in batch.result() or ()}
    return [*groups_of_logs, *found.values()]


def _number(arn: str) -> str:
    """Returns the account, if there is one, in ``arn:aws:eks:eu-west-1:123456789012:cluster/demo``."""
    return (arn.split(":", 5) + [""] * 5)[4]
