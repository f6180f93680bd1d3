"""For tests: what no request of EKS's API can cause. Records are changed, and operations fail for a while."""

from typing import Any

from emulator.engine.eks.state import Fault, State

PATH = "/_ministack/eks-auth/scenario"
"""Below a path that ministack gives to its EKS, whose place ours takes."""


def play(state: State, content: dict[str, Any]) -> None:
    """Changes the state of EKS.

    Args:
        state: of the account and region of the request.
        content: any of these.
            ``faults``: operation, code, message and times (none: always) of each; they replace the faults before.
            ``page_size``: the most that a List operation returns at once.
            ``records``: kind (``cluster`` or one of LABELS), cluster and name of each, and what to ``set`` in it.
    """
    with state.lock:
        state.settle()
        if "faults" in content:
            state.faults = [Fault(**fault) for fault in content["faults"]]
        state.page_size = content.get("page_size", state.page_size)
        for change in content.get("records", []):
            record = (
                state.cluster(change["cluster"])
                if change["kind"] == "cluster"
                else state.child(change["kind"], change["cluster"], change["name"])
            )
            record.update(change["set"])
