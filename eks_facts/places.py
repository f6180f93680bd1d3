"""Where things are: zones that no cluster can use, registries that are on the internet."""

import re

from eks_facts.files import load


def zones_without_eks() -> dict[str, str]:
    """Returns the id of the Availability Zone that no cluster can use, by region."""
    zones: dict[str, str] = load("availability_zones")["without_eks"]
    return zones


def public_registries() -> list[str]:
    """Returns the registries and chart repositories that are on the internet; a name includes those below it."""
    names: list[str] = load("reach")["public"]
    return names


def fips_regions() -> tuple[str, ...]:
    """Returns how the names of the regions begin in which Auto Mode has FIPS AMIs."""
    return tuple(load("availability_zones")["fips_of_auto_mode"])


def is_local_zone(zone: str) -> bool:
    """Whether it is the name of a Local Zone or Wavelength Zone: us-west-2-lax-1a, us-east-1-wl1-bos-wlz-1."""
    return bool(re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-\d(-[a-z0-9]+)+", zone))
