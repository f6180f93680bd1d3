"""Checks of shared file systems: where pods reach them, and whether they are encrypted."""

from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.reading.network import Subnet
from responsibility.reading.resource import UnknownValue
from responsibility.reading.storage import Storage
from responsibility.reading.values import has_gap


@check("EKR152", Storage)
def one_mount_target_in_a_zone(storage: Storage) -> Answer | None:
    """Two targets in subnets without a known AZ are unknown."""
    if storage.resource.type != "AWS::EFS::FileSystem" or not storage.serves_a_cluster:
        return None
    targets = storage.facts.pointing("AWS::EFS::MountTarget", "FileSystemId", storage)
    if len(targets) < 2:
        return not_applicable("has at most one mount target")
    seen: dict[str, str] = {}
    blind: UnknownValue | None = None
    for target in targets:
        subnet = storage.facts.find(Subnet, target.get("SubnetId"))
        zone = subnet.zone if subnet else ""
        if not zone or has_gap(zone):
            blind = UnknownValue(target.at("SubnetId"), "the AZ of the subnet is not known here")
        elif other := seen.get(zone):
            return open_(f"has two mount targets in {zone}: {other} and {target.resource.id}", target.at("SubnetId"))
        else:
            seen[zone] = target.resource.id
    if blind := blind or storage.facts.untold("AWS::EFS::MountTarget", "FileSystemId", storage.resource.stack):
        raise blind
    return met(f"has a mount target in {', '.join(seen)}", storage.at())


@check("EKR311", Storage)
def file_systems_are_encrypted(storage: Storage) -> Answer | None:
    """EFS only: FSx encrypts every file system, and of EBS volumes the account may say so."""
    if storage.resource.type != "AWS::EFS::FileSystem" or not storage.serves_a_cluster:
        return None
    here = storage.at("Encrypted")
    if str(storage.get("Encrypted", False)).lower() == "true":
        return met("is encrypted", here)
    return open_("is not encrypted, and cannot be later", here)
