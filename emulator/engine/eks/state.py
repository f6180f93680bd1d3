"""What EKS knows of one account and region: records in the API's words, and operations that take a moment."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Record = dict[str, Any]


class Refused(Exception):
    """EKS refuses a request."""

    def __init__(self, code: str, message: str) -> None:
        """Says so with an error code of the API, such as ``InvalidParameterException``."""
        super().__init__(message)
        self.code, self.message = code, message

    @property
    def http_status(self) -> int:
        """The status of the answer."""
        return {
            "AccessDeniedException": 403,
            "ExpiredTokenException": 403,
            "ResourceNotFoundException": 404,
            "ResourceInUseException": 409,
            "ThrottlingException": 429,
            "ServerException": 500,
        }.get(self.code, 400)


@dataclass
class Fault:
    """An operation that fails for a while, whatever the request."""

    operation: str
    code: str
    message: str = "as the test wants it"
    times: int | None = None
    """How often; None: always."""


@dataclass
class _Operation:
    """Something under way: at ``until`` (monotonic seconds) ``done`` runs; ``ready`` can hold it up until ``deadline``."""

    until: float
    done: Callable[[], object]
    ready: Callable[[], bool] | None = None
    deadline: float = 0.0
    failed: Callable[[], object] | None = None


@dataclass
class State:
    """Clusters and what belongs to them. Every access settles first what has ended meanwhile."""

    account: str
    region: str
    operation_seconds: float = 0.05
    patience_seconds: float = 2.0
    """How long an add-on waits for a node before it counts as degraded (on AWS about 20 minutes)."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    clusters: dict[str, Record] = field(default_factory=dict)
    children: dict[tuple[str, str, str], Record] = field(default_factory=dict)
    """By kind (a key of LABELS), cluster and name."""
    policies: dict[tuple[str, str], list[Record]] = field(default_factory=dict)
    """Associated access policies, by cluster and principal."""
    updates: dict[tuple[str, str], Record] = field(default_factory=dict)
    """By cluster and id."""
    page_size: int = 100
    """The most that a List operation returns at once."""
    faults: list[Fault] = field(default_factory=list)
    _operations: list[_Operation] = field(default_factory=list)

    def cluster(self, name: str) -> Record:
        """Returns a cluster. Raises Refused."""
        if name not in self.clusters:
            raise Refused("ResourceNotFoundException", f"No cluster found for name: {name}.")
        return self.clusters[name]

    def child(self, kind: str, cluster: str, name: str) -> Record:
        """Returns what belongs to a cluster. Raises Refused."""
        self.cluster(cluster)
        if (kind, cluster, name) not in self.children:
            raise Refused("ResourceNotFoundException", f"No {LABELS[kind]} found for name: {name}.")
        return self.children[kind, cluster, name]

    def of(self, kind: str, cluster: str) -> Iterator[Record]:
        """Yields what a cluster has of one kind."""
        for (found, owner, _), record in list(self.children.items()):
            if found == kind and owner == cluster:
                yield record

    def fail(self, operation: str) -> None:
        """Raises Refused if the operation is to fail."""
        for fault in self.faults:
            if fault.operation == operation and fault.times != 0:
                fault.times = None if fault.times is None else fault.times - 1
                raise Refused(fault.code, fault.message)

    def start(
        self,
        done: Callable[[], object],
        *,
        ready: Callable[[], bool] | None = None,
        failed: Callable[[], object] | None = None,
        patience: float | None = None,
    ) -> None:
        """Begins an operation; with ``ready`` it waits for that, at most ``patience`` seconds, and then has ``failed``."""
        now = time.monotonic()
        until = now + self.operation_seconds
        deadline = until + (self.patience_seconds if patience is None else patience)
        self._operations.append(_Operation(until, done, ready, deadline, failed))

    def settle(self) -> None:
        """Ends the operations whose time has come."""
        now = time.monotonic()
        for operation in list(self._operations):
            if now < operation.until:
                continue
            if operation.ready is None or operation.ready():
                self._operations.remove(operation)
                operation.done()
            elif now >= operation.deadline:
                self._operations.remove(operation)
                (operation.failed or operation.done)()


LABELS = {
    "nodegroup": "node group",
    "fargateProfile": "Fargate Profile",
    "addon": "addon",
    "accessEntry": "access entry",
    "podIdentityAssociation": "pod identity association",
    "capability": "capability",
    "certificateAuthority": "certificate authority",
    "identityProviderConfig": "identity provider config",
    "insight": "insight",
}


def now() -> datetime:
    """Returns the time that a record is stamped with."""
    return datetime.now(UTC)
