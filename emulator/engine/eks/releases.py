"""Releases of EKS's AMIs: what node groups get, and what Systems Manager's public parameters call the newest. Made up."""

from collections.abc import Iterable, Iterator

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
