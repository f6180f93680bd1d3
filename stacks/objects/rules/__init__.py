"""Checks objects as written against what placement fills in and what the cluster has; conflicts are refused."""

from collections.abc import Sequence

from stacks.objects.balancer_rights import features
from stacks.objects.folder import SourceObject
from stacks.objects.object_problems import Problems
from stacks.objects.rules.balancers import address_family, annotations, gateway, ingress, service
from stacks.objects.rules.kinds import kind, scaler
from stacks.objects.rules.pods import account, pod
from stacks.objects.rules.setting import Setting
from stacks.objects.rules.storage import (
    access_modes,
    device_claims,
    file_system_volume,
    storage_classes,
    storage_drivers,
)

_FINDERS = (
    *(kind, scaler, service, ingress, gateway, address_family, annotations, features),
    *(storage_classes, access_modes, file_system_volume, storage_drivers, device_claims, pod, account),
)


def check_objects(sources: Sequence[SourceObject], setting: Setting, problems: Problems) -> None:
    """Notes every conflict with what is filled in, and everything that nothing in the cluster serves."""
    for source in sources:
        for finder in _FINDERS:
            for where, text in finder(source.object, setting):
                problems.add(source, where, text)
