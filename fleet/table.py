"""The table of a fleet: what its files say of every cluster, and what findings documents that exist say of it.

Nothing is synthesised for it. What only templates show (open duties, most of the cost) comes from `fleet.out/NAME/review.json`, which
`python -m fleet review` writes, and is called "not synthesised" where that file is missing or older than the environment.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fleet.model import Fleet, Member
from responsibility.document import VersionSupport
from responsibility.findings import SEVERITIES, Part, Severity
from responsibility.review.prices import load_prices
from responsibility.review.versions import support
from safe_io.errors import BadInput
from safe_io.layers import Layered
from safe_io.text_file import read_text
from safe_io.where import Where, dotted
from stacks.environment.cluster_spec import ClusterSpec, LockFile
from stacks.environment.loading import load_lock
from stacks.environment.model import Environment
from stacks.environment.stack_names import compute_stack, control_plane_stack

SCHEMA_VERSION = "1.0"
OUT = Path("fleet.out")
REVIEW = "review.json"
NOT_SYNTHESISED = "not synthesised"
_MAX_REVIEW = 64 * 1024 * 1024
_OWN = ("extends", "name", "account", "region")
"""Keys that every environment says for itself."""


class AddOn(Part):
    """An add-on of a cluster."""

    name: str
    version: str | None = Field(description="None: EKS chooses it at the deploy; make lock-addons pins it")


class Reviewed(Part):
    """What the review of a cluster's templates says."""

    open: dict[Severity, int] = Field(description="Open duties by severity")
    unknown: int = Field(description="Questions that the templates do not answer")
    as_of: date


class ClusterRow(Part):
    """One cluster of a fleet."""

    wave: str | None = Field(description="None: a single environment")
    environment: str
    file: str
    account: str | None = Field(description="None: that of the credentials")
    region: str | None = Field(description="None: that of the credentials")
    cluster: str
    made_here: bool = Field(description="False: a cluster that exists, and that the environment only joins")
    version: str
    support: VersionSupport
    compute: list[str]
    addons: list[AddOn]
    over_base: list[str] | None = Field(
        description="Values that the file says over the files it extends; None: it extends none"
    )
    other_accounts: list[str] = Field(description="Accounts that the environment names beside its own")
    review: Reviewed | None = Field(description="None: see not_reviewed")
    not_reviewed: str = Field(description="Why there is no review: not synthesised, or made from an earlier file")
    cost_floor: float = Field(description="Per month, in the currency of the table")
    cost_of: str = Field(description="What the cost floor has: all that was synthesised, or the control plane alone")


class FleetTable(Part):
    """The whole table."""

    schema_version: str = SCHEMA_VERSION
    name: str
    file: str
    as_of: date
    currency: str
    price_region: str = Field(description="The region whose list prices are used")
    waves: list[str]
    clusters: list[ClusterRow]


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Cluster(_Read):
    id: str
    stack: str
    version: str


class _Accepted(_Read):
    expired: bool


class _Finding(_Read):
    code: str
    status: str
    cluster: str = ""
    accepted: _Accepted | None = None


class _Check(_Read):
    code: str
    severity: Severity


class _Line(_Read):
    cluster: str
    monthly: float


class _Cost(_Read):
    lines: list[_Line]


class _Document(_Read):
    """The parts of a findings document (docs/review.schema.json) that the table needs."""

    as_of: date
    clusters: list[_Cluster]
    checks: list[_Check]
    findings: list[_Finding]
    cost: _Cost


def table_of_fleet(fleet: Fleet, as_of: date, out: Path = OUT) -> FleetTable:
    """Returns the table of a fleet. Raises BadInput: a lock file or a findings document is wrong."""
    rows = [
        row
        for wave, member in fleet.members
        for row in _rows(member, wave.spec.name, list(fleet.other_accounts[member.environment.name]), as_of, out)
    ]
    return _table(fleet.spec.name, fleet.path, [wave.spec.name for wave in fleet.waves], rows, as_of)


def table_of_environment(path: Path, environment: Environment, as_of: date, out: Path = OUT) -> FleetTable:
    """Returns the table of one environment. Raises BadInput as table_of_fleet does."""
    return _table(environment.name, path, [], list(_rows(Member(path, (), environment), None, [], as_of, out)), as_of)


def _table(name: str, path: Path, waves: list[str], rows: list[ClusterRow], as_of: date) -> FleetTable:
    prices = load_prices()
    return FleetTable(
        name=name,
        file=str(path),
        as_of=as_of,
        currency=prices.currency,
        price_region=prices.region,
        waves=waves,
        clusters=rows,
    )


def _rows(member: Member, wave: str | None, others: list[str], as_of: date, out: Path) -> Iterator[ClusterRow]:
    """Yields the clusters of an environment."""
    environment, lock, document = member.environment, load_lock(member.path), Layered(member.path)
    read = _review_of(environment, document, out)
    for index, cluster in enumerate(environment.clusters):
        reviewed, why, cost, cost_of = _judged(read, environment, cluster, as_of)
        version = cluster.control_plane.kubernetes_version
        yield ClusterRow(
            wave=wave,
            environment=environment.name,
            file=str(member.path),
            account=environment.account,
            region=environment.region,
            cluster=cluster.name,
            made_here=cluster.existing is None,
            version=version,
            support=support(version, as_of),
            compute=list(cluster.compute.mix.kinds),
            addons=_addons(cluster, lock),
            over_base=_over_base(document, index) if len(document.paths) > 1 else None,
            other_accounts=others,
            review=reviewed,
            not_reviewed=why,
            cost_floor=cost,
            cost_of=cost_of,
        )


def _addons(cluster: ClusterSpec, lock: LockFile | None) -> list[AddOn]:
    locked = lock.versions(cluster.control_plane.kubernetes_version) if lock else {}
    return [AddOn(name=one.name, version=one.version) for one in cluster.planned_addons(locked)]


def _over_base(document: Layered, cluster: int) -> list[str]:
    """Returns the values that an environment file says itself, of one cluster and of what its clusters share."""
    found = []
    for where in _leaves(document.data, ()):
        own = document.origin(where)
        elsewhere = where[0] == "clusters" and len(where) > 1 and where[1] != cluster
        if own and own[0] == document.path and where[0] not in _OWN and not elsewhere and where[-1] != "name":
            found.append(dotted(where))
    return found


def _leaves(value: Any, where: Where) -> Iterator[Where]:
    """Yields the way to every value that has none below it."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not inner or not value:
        yield where
    for key, one in inner:
        yield from _leaves(one, (*where, key))


def _review_of(environment: Environment, document: Layered, out: Path) -> _Document | str:
    """Returns the findings document of an environment, or why there is none. Raises BadInput: it is not one."""
    path = out / environment.name / REVIEW
    if not path.is_file():
        return NOT_SYNTHESISED
    if any(file.stat().st_mtime > path.stat().st_mtime for file in document.paths):
        return f"{NOT_SYNTHESISED} since its file changed"
    try:
        return _Document.model_validate_json(read_text(path, max_bytes=_MAX_REVIEW))
    except ValidationError:
        raise BadInput(f"{path}: is not a findings document; write it again: python -m fleet review") from None


def _judged(
    read: _Document | str, environment: Environment, cluster: ClusterSpec, as_of: date
) -> tuple[Reviewed | None, str, float, str]:
    """Returns the review of a cluster, why there is none, its cost floor and what that has."""
    stacks = {of(environment.name, cluster.name) for of in (control_plane_stack, compute_stack)}
    found = None if isinstance(read, str) else next((one for one in read.clusters if one.stack in stacks), None)
    if isinstance(read, str) or found is None or found.version != cluster.control_plane.kubernetes_version:
        why = read if isinstance(read, str) else f"{NOT_SYNTHESISED}: {REVIEW} is of another state of the file"
        return None, why, _control_plane_alone(cluster, as_of), "the control plane alone"
    severity = {check.code: check.severity for check in read.checks}
    mine = [one for one in read.findings if one.cluster in ("", found.id)]
    opened = Counter(
        severity[one.code]
        for one in mine
        if one.status == "open" and (one.accepted is None or one.accepted.expired) and one.code in severity
    )
    reviewed = Reviewed(
        open={name: opened[name] for name in SEVERITIES},
        unknown=sum(one.status == "unknown" for one in mine),
        as_of=read.as_of,
    )
    only = len(read.clusters) == 1
    cost = sum(line.monthly for line in read.cost.lines if line.cluster == found.id or (only and not line.cluster))
    return reviewed, "", round(cost, 2), "what was synthesised" + ("" if only else " for this cluster alone")


def _control_plane_alone(cluster: ClusterSpec, as_of: date) -> float:
    """Returns what EKS takes for a cluster that nobody uses; 0 for one that somebody else makes, and pays."""
    if cluster.existing:
        return 0.0
    prices = load_prices()
    state = "extended" if support(cluster.control_plane.kubernetes_version, as_of).state == "extended" else "standard"
    return round(prices.by_id[f"eks-control-plane-{state}"].amount * prices.hours_per_month, 2)
