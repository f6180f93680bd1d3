"""Applies a plan: file after file, stage after stage, each ready before the next one begins."""

import time
from collections.abc import Sequence
from typing import Any

from delivery.object_kind import KubernetesObject, kind_of
from delivery.order import in_stages
from delivery.plan import Chart, is_chart
from delivery.problem import DeliveryProblem
from delivery.task import Task
from delivery.tools import Kubectl
from safe_io.terminal import one_line

_ROLLED_OUT = ("DaemonSet", "Deployment", "StatefulSet")


def apply(task: Task) -> None:
    """Applies the files of a plan in their order.

    Raises:
        BadInput: a file is not what it should be, or a value is not known; nothing was changed.
        DeliveryProblem: a file could not be applied, or did not become ready. Those before it stay; the next try goes on.
    """
    plan, kubectl = task.plan, task.kubectl
    ready = [
        (step, plan.chart(step, task.values) if is_chart(step) else plan.objects(step, task.values))
        for step in plan.description.steps
    ]
    for step, content in ready:
        try:
            if isinstance(content, Chart):
                task.say(f"{step.file}: chart {content.chart} {content.version}")
                if task.helm:
                    task.helm.install(content, task.timeout)
            else:
                task.say(f"{step.file}: {len(content)} object{'s' * (len(content) != 1)}")
                _apply_objects(content, kubectl, task.timeout, task.pause)
        except DeliveryProblem as problem:
            raise DeliveryProblem(
                f"{one_line(str(plan.folder / step.file))}: {problem}\nThe files before it are applied. Repair it and run the same again"
            ) from None


def _apply_objects(objects: Sequence[KubernetesObject], kubectl: Kubectl, timeout: int, pause: float) -> None:
    for stage in in_stages(objects).values():
        jobs = [item for item in stage if kind_of(item) == "Job"]
        kubectl.apply([item for item in stage if kind_of(item) != "Job"])
        for job in jobs:
            _apply_job(job, kubectl, timeout)
        for item in stage:
            if kind_of(item) == "CustomResourceDefinition":
                name = f"crd/{item['metadata']['name']}"
                kubectl.must("wait", "--for=condition=Established", name, f"--timeout={timeout}s")
        # What a later stage needs, such as a controller for custom resources, runs before that stage begins.
        for item in stage:
            if kind_of(item) in _ROLLED_OUT:
                name = f"{item['kind'].lower()}/{item['metadata']['name']}"
                kubectl.must("rollout", "status", name, *_in(item), f"--timeout={timeout}s")
        for job in jobs:
            _wait_for_job(job, kubectl, timeout, pause)


def _apply_job(job: KubernetesObject, kubectl: Kubectl, timeout: int) -> None:
    try:
        kubectl.apply([job])
    except DeliveryProblem as problem:
        # The template of a Job cannot change: the one that ran makes place for the new one.
        if "field is immutable" not in str(problem):
            raise
        kubectl.delete([job], timeout)
        kubectl.apply([job])


def _wait_for_job(job: KubernetesObject, kubectl: Kubectl, timeout: int, pause: float) -> None:
    name = job["metadata"]["name"]
    end = time.monotonic() + timeout
    while True:
        found = kubectl.get(f"job/{name}", *_in(job))
        if found is None:  # it ran, and was tidied away (ttlSecondsAfterFinished)
            return
        state = {str(one.get("type")): one for one in _conditions(found) if one.get("status") == "True"}
        if "Complete" in state:
            return
        if "Failed" in state:
            why = one_line(str(state["Failed"].get("message", "it does not say why")))
            raise DeliveryProblem(f"Job {name} failed: {why}")
        if time.monotonic() >= end:
            raise DeliveryProblem(f"Job {name} is not complete after {timeout} s")
        time.sleep(pause)


def _conditions(item: KubernetesObject) -> list[dict[str, Any]]:
    status = item.get("status")
    conditions = status.get("conditions") if isinstance(status, dict) else None
    return [one for one in (conditions if isinstance(conditions, list) else ()) if isinstance(one, dict)]


def _in(item: KubernetesObject) -> tuple[str, ...]:
    return ("--namespace", item["metadata"].get("namespace") or "default")
