"""Releases of EKS's AMIs: what node groups get, and what Systems Manager's public parameters call the newest. Made up."""

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import product
from typing import Any

from eks_facts.instances import ami_types


def newest(ami_type: str, kubernetes_version: str) -> str:
    """Returns the newest release of an AMI type."""
    if ami_type.startswith("BOTTLEROCKET"):
        return f"1.{kubernetes_version.split('.')[1]}.0-5eed0000"
    return f"{kubernetes_version}.0-20261101"


def public_parameters(versions: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yields names and values of the public parameters that say so."""
    for version in versions:
        for ami in ami_types().values():
            if ami.family != "al2" and (name := ami.release_parameter(version)):
                yield name, newest(ami.name, version)
        for name in image_parameters(version):
            yield name, _image(name)


_NAMED_RELEASES = (
    (r"/amazon-eks-node-al2023-[a-z0-9_-]+-\d\.\d+-v\d{8}/", "/recommended/"),
    (r"(/aws-k8s-[^/]+/[^/]+)/\d[\w.-]*/", r"\1/latest/"),
    (r"/stable/\d{8}[\d.]*/", "/stable/current/"),
)
"""The part of a parameter's name that names one release, and that of the newest one: AL2023, Bottlerocket, Ubuntu."""


class PublicParameters(dict[str, str]):
    """Public parameters by name; a release of any date has an image of its own."""

    def get(self, name: str, default: Any = None) -> Any:
        """Returns a parameter's value."""
        if name in self:
            return self[name]
        newest = name
        for pattern, word in _NAMED_RELEASES:
            newest = re.sub(pattern, word, newest)
        return _image(name) if newest in self else default


def _image(name: str) -> str:
    return f"ami-{sha256(name.encode()).hexdigest()[:17]}"


def image_parameters(version: str) -> Iterator[str]:
    """Yields the names of the public parameters with the newest images for a Kubernetes version.

    https://docs.aws.amazon.com/eks/latest/userguide/retrieve-ami-id.html, retrieve-ami-id-bottlerocket.html,
    retrieve-windows-ami-id.html; Canonical's: https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/
    """
    for ami in ami_types().values():
        if ami.family == "al2023" and (name := ami.release_parameter(version)):
            yield name.replace("release_version", "image_id")
    for flavor, architecture in product(("", "-nvidia", "-fips", "-nvidia-fips"), ("x86_64", "arm64")):
        yield f"/aws/service/bottlerocket/aws-k8s-{version}{flavor}/{architecture}/latest/image_id"
    for release, edition in product(("2019", "2022", "2025"), ("Core", "Full")):
        yield f"/aws/service/ami-windows-latest/Windows_Server-{release}-English-{edition}-EKS_Optimized-{version}/image_id"
    for release, architecture, volume in product(("22.04", "24.04"), ("amd64", "arm64"), ("ebs-gp2", "ebs-gp3")):
        yield f"/aws/service/canonical/ubuntu/eks/{release}/{version}/stable/current/{architecture}/hvm/{volume}/ami-id"
