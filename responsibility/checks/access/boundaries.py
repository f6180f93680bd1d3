"""Checks of permissions boundaries: a role without one, where the others have one."""

from responsibility.checks.check import Answer, check, met, open_
from responsibility.reading.iam import Role

_BOUNDARY = "PermissionsBoundary"


@check("EKR303", Role)
def has_the_boundary_of_the_others(role: Role) -> Answer | None:
    """Applies where a role of the same account has a boundary."""
    others = [other.resource for other in role.facts.all(Role) if other is not role]
    if not any(
        _BOUNDARY in other.properties and other.account == role.resource.account for other in [role.resource, *others]
    ):
        return None
    if role.get(_BOUNDARY):
        return met("has a permissions boundary", role.at(_BOUNDARY))
    return open_("has no permissions boundary, and other roles of its account have one", role.at(_BOUNDARY))
