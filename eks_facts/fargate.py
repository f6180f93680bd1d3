"""The sizes of pods on Fargate."""

from collections.abc import Iterator
from fractions import Fraction
from functools import cache

from eks_facts.files import load

GIB = 2**30


@cache
def _sizes() -> list[tuple[Fraction, list[Fraction]]]:
    """vCPUs, and the GB that go with them, smallest first."""
    return [(Fraction(str(row["vcpu"])), list(_steps(row))) for row in load("fargate")["sizes"]]


def _steps(row: dict[str, float]) -> Iterator[Fraction]:
    memory, most, step = (Fraction(str(row[key])) for key in ("gb_from", "gb_to", "gb_step"))
    if memory < step:  # half a GB is the only size that is not a multiple of its step
        yield memory
        memory = step
    while memory <= most:
        yield memory
        memory += step


def size(cpu: float | Fraction, memory: float | Fraction) -> tuple[float, float] | None:
    """Returns the vCPUs and GB of a pod that requests ``cpu`` CPUs and ``memory`` bytes; None: there is no size as large."""
    wanted = memory / Fraction(GIB) + Fraction(load("fargate")["added_mib"], 1024)
    for vcpu, choices in _sizes():
        if vcpu >= cpu and (fitting := next((gb for gb in choices if gb >= wanted), None)):
            return float(vcpu), float(fitting)
    return None


@cache
def largest_request() -> dict[str, Fraction]:
    """Returns what a pod can request at most of cpu (CPUs), memory and ephemeral-storage (bytes)."""
    facts = load("fargate")
    vcpu, memory = _sizes()[-1]
    return {
        "cpu": vcpu,
        "memory": memory[-1] * GIB - facts["added_mib"] * 2**20,
        "ephemeral-storage": Fraction(facts["ephemeral_storage_gib"] * GIB),
    }


def is_accelerator(resource: str) -> bool:
    """Returns whether a resource that a pod asks for is a GPU or another accelerator: Fargate has none."""
    return resource.startswith(tuple(load("devices")["accelerators"]))
