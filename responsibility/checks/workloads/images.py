"""Checks of container images: which version runs, and that it cannot change unnoticed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from responsibility.checks.check import Answer, check, met, open_
from responsibility.reading.kubernetes import Workload
from responsibility.reading.partly_known import filled
from responsibility.reading.placeholders import is_placeholder
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import Reference

_MOVING = ("latest", "stable", "main", "master", "edge", "nightly")
_CONTENT_HASH = re.compile(r"[0-9a-f]{64}")
"""The tag that the CDK gives to an image it builds: it names the content."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image's name, taken apart."""

    tag: str
    digest: str


def image_of(workload: Workload, path: str) -> Image:
    """Returns the image of the container at a path. Raises UnknownValue if its tag or digest is not said."""
    value = workload.resource.partly(f"{path}.image", "")
    if is_placeholder(value):
        raise UnknownValue(workload.at(f"{path}.image"), "is filled in later")
    if isinstance(value, Reference):
        raise UnknownValue(workload.at(f"{path}.image"), f"is given by {value}")
    # A gap in the registry's name does not matter; one at the end may hold the tag.
    name, _, digest = filled(filled(str(value), lambda _: "\0"), lambda _: "\0", "${", "}").partition("@")
    tag = name.rsplit("/", 1)[-1].partition(":")[2]
    if (not tag and not digest and name.endswith("\0")) or "\0" in tag + digest:
        raise UnknownValue(workload.at(f"{path}.image"), "its tag is filled in later")
    return Image(tag, digest)


@check("EKR090", Workload)
def images_have_a_tag(workload: Workload) -> Answer | None:
    """No tag means latest; other names that are known to move count as well. A digest settles it."""
    if workload.made_by_another:
        return None
    paths = [*workload.running, *workload.starting]
    moving = [path for path in paths if not (image := image_of(workload, path)).digest and image.tag in ("", *_MOVING)]
    if moving:
        tags = (f"the tag {tag}" if (tag := image_of(workload, path).tag) else "no tag" for path in moving)
        return open_(
            f"runs an image with {' or '.join(dict.fromkeys(tags))}", *(workload.at(f"{path}.image") for path in moving)
        )
    return met("every image has a fixed tag or a digest", *(workload.at(f"{path}.image") for path in paths))


@check("EKR091", Workload)
def images_have_a_digest(workload: Workload) -> Answer | None:
    """The CDK's own images count: their tag is the hash of what they are built from."""
    if workload.made_by_another:
        return None
    paths = [*workload.running, *workload.starting]
    loose = [
        path
        for path in paths
        if not (image := image_of(workload, path)).digest and not _CONTENT_HASH.fullmatch(image.tag)
    ]
    if loose:
        return open_(
            f"{len(loose)} of {len(paths)} images without a digest", *(workload.at(f"{path}.image") for path in loose)
        )
    return met("every image is pinned", *(workload.at(f"{path}.image") for path in paths))
