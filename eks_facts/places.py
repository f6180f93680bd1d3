"""Where things are: zones that no cluster can use, registries that are on the internet."""

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
