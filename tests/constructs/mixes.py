"""Mixes of compute, by when ordinary pods find a node of each kind."""

from eks_constructs.compute.mix import ComputeMix, Hosting, Share
from eks_constructs.compute.registry import KINDS


def mix_of(**hosting: Hosting) -> ComputeMix:
    return ComputeMix(
        tuple(
            Share(name, hosting[name], kind.rank, kind.node_selector, kind.rule is not None)
            for name, kind in KINDS.items()
            if name in hosting
        )
    )
