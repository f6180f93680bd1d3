"""What happened to nodes and pods: who refused what, and when."""

from dataclasses import dataclass, field

from local_kubernetes.client import ApiError, Object
from local_kubernetes.nodes.mirror import Key, key_of
from local_kubernetes.nodes.node import Node


@dataclass
class Refusal:
    """A pod that the Eviction API, or a provisioner, did not let go.

    Attributes:
        pod: namespace and name.
        labels: of the pod.
        node: the node that it was on.
        runner: the kind of compute of the node.
        group: its group or pool.
        message: the API's own words.
        budgets: the PodDisruptionBudgets that the API names, as namespace and name.
        since: seconds on the clock.
        until: of the last time.
        outcome: ``left``: it went in the end. ``stayed``: it did not. ``deleted``: by force.
    """

    pod: Key
    labels: dict[str, str]
    node: str
    runner: str
    group: str
    message: str
    budgets: tuple[Key, ...]
    since: float
    until: float
    outcome: str = "stayed"


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        at: seconds on the clock.
        step: the step of the playbook that it belongs to.
        what: in words.
        failed: whether it is a failure.
    """

    at: float
    step: str
    what: str
    failed: bool = False


@dataclass
class Journal:
    """Everything that happened, in order.

    Attributes:
        refusals: by pod's uid, node, and whether the pod was to go and does not end.
        events: in order.
        step: the step of the playbook that goes on.
        evicted: uid of each pod that was evicted or deleted, and when.
        answers: by uid of a pod that the Eviction API refused, the versions of the objects that it decided on, and its words.
    """

    refusals: dict[tuple[str, str, bool], Refusal] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    step: str = ""
    evicted: dict[str, float] = field(default_factory=dict)
    answers: dict[str, tuple[list[str], str]] = field(default_factory=dict)

    def say(self, at: float, what: str, *, step: str = "", failed: bool = False) -> None:
        """Notes an event."""
        self.events.append(Event(at, step or self.step, what, failed))

    def refuse(self, at: float, pod: Object, node: Node, message: str, budgets: tuple[Key, ...] = ()) -> None:
        """Notes that a pod was not let go; the last words are kept."""
        mark = (pod["metadata"]["uid"], node.name, False)
        if found := self.refusals.get(mark):
            found.until, found.message = at, message
            found.budgets = budgets or found.budgets
            return
        self._note(mark, at, at, pod, node, message, budgets)

    def stuck(self, at: float, pod: Object, node: Node, message: str, outcome: str = "stayed") -> None:
        """Notes that a pod was evicted or deleted, and does not end. That it was refused before is a fact of its own."""
        uid = pod["metadata"]["uid"]
        self._note((uid, node.name, True), self.evicted.get(uid, at), at, pod, node, message).outcome = outcome

    def _note(
        self,
        mark: tuple[str, str, bool],
        since: float,
        until: float,
        pod: Object,
        node: Node,
        message: str,
        budgets: tuple[Key, ...] = (),
    ) -> Refusal:
        labels = dict(pod["metadata"].get("labels") or {})
        found = Refusal(key_of(pod), labels, node.name, node.runner, node.group, message, budgets, since, until)
        self.refusals[mark] = found
        return found

    def left(self, pod: Object, node: Node, outcome: str = "left") -> None:
        """Notes how a refusal ended."""
        if found := self.refusals.get((pod["metadata"]["uid"], node.name, False)):
            found.outcome = outcome


def words_of(problem: ApiError) -> str:
    """Returns the Eviction API's answer, with its causes."""
    causes = [one["message"] for one in (problem.body.get("details") or {}).get("causes") or [] if one.get("message")]
    return " ".join([problem.message, *causes])
