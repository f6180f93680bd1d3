"""Removes what a plan applied: load balancers and volumes while their controllers still run, then the rest, backwards."""

import time
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from delivery.object_kind import KubernetesObject, kind_of
from delivery.order import in_order
from delivery.plan import Step, is_chart
from delivery.problem import DeliveryProblem
from delivery.task import Task
from delivery.tools import Kubectl
from safe_io.terminal import one_line

_LAST = ("CustomResourceDefinition", "Namespace")
"""What takes other objects with it: after those, so that their finalizers were answered."""


def remove(task: Task) -> None:
    """Removes what the files of a plan describe, in the reverse order, and waits until it is gone.

    Raises:
        BadInput: a file is not what it should be, or a value is not known; nothing was changed.
        DeliveryProblem: something does not go away. What was before it is still there.
    """
    plan, values, kubectl, timeout = task.plan, task.values, task.kubectl, task.timeout
    steps = [step for step in reversed(plan.description.steps) if not is_chart(step)]
    objects = {step.file: plan.objects(step, values) for step in steps}
    charts = {step.file: plan.chart(step, values) for step in plan.description.steps if is_chart(step)}
    workloads = [step for step in steps if step.workload]

    balancers = [item for step in workloads for item in objects[step.file] if _has_load_balancer(item)]
    if balancers:
        task.say(f"load balancers of {len(balancers)} object{'s' * (len(balancers) != 1)}")
        _delete(balancers, kubectl, timeout)
    for step in workloads:
        _remove_workload(task, step, objects[step.file])
    for step in reversed(plan.description.steps):
        if step.workload:
            continue
        task.say(f"{step.file}")
        if is_chart(step):
            if task.helm:
                task.helm.uninstall(charts[step.file], timeout)
        else:
            _delete(objects[step.file], kubectl, timeout)


def _remove_workload(task: Task, step: Step, objects: Sequence[KubernetesObject]) -> None:
    namespace, kubectl, timeout = str(step.workload), task.kubectl, task.timeout
    task.say(f"{step.file}: {len(objects)} object{'s' * (len(objects) != 1)}, and the volumes of namespace {namespace}")
    last = (*_LAST, "PersistentVolume")
    _delete([item for item in objects if kind_of(item) not in last], kubectl, timeout)
    # Those that a StatefulSet made are in no file.
    kubectl.must("delete", "persistentvolumeclaims", "--all", "--namespace", namespace, f"--timeout={timeout}s")
    _wait_for_volumes(namespace, kubectl, timeout, task.pause)
    _delete([item for item in objects if kind_of(item) in last], kubectl, timeout)


def _delete(objects: Sequence[KubernetesObject], kubectl: Kubectl, timeout: int) -> None:
    backwards = reversed(in_order(objects))
    for _, group in groupby(backwards, key=lambda item: (item["apiVersion"], item["kind"])):
        kubectl.delete(list(group), timeout)


def _wait_for_volumes(namespace: str, kubectl: Kubectl, timeout: int, pause: float) -> None:
    """Waits until the driver has deleted the volumes of a namespace; those to be retained stay."""
    end = time.monotonic() + timeout
    while True:
        left = _volumes_of(namespace, kubectl.get("persistentvolumes") or {})
        if not left:
            return
        if time.monotonic() >= end:
            raise DeliveryProblem(
                f"the volumes {', '.join(left[:10])} of namespace {namespace} are still there after {timeout} s:"
                f" kubectl describe pv {left[0]} says why"
            )
        time.sleep(pause)


def _volumes_of(namespace: str, answer: Mapping[str, Any]) -> list[str]:
    """Returns the volumes of a namespace that its driver deletes. Raises DeliveryProblem: the answer is not a list of volumes."""
    try:
        return [
            one_line(volume["metadata"]["name"], 253)
            for volume in answer.get("items") or ()
            if volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete"
            and (volume["spec"].get("claimRef") or {}).get("namespace") == namespace
        ]
    except (AttributeError, KeyError, TypeError):
        raise DeliveryProblem("kubectl get persistentvolumes: its output is not a list of volumes") from None


def _has_load_balancer(item: KubernetesObject) -> bool:
    kind = kind_of(item)
    return kind in ("Ingress", "Gateway") or (
        kind == "Service" and (item.get("spec") or {}).get("type") == "LoadBalancer"
    )
