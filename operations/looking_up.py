"""`look-up`: writes a file with what a compute stack needs to know about a cluster made elsewhere. It only reads the account."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from delivery.account import Asked
from responsibility.account.errors import AccountError
from responsibility.audit.clusters import cluster_properties
from responsibility.reading.existing import NOT_SAID
from responsibility.reading.values import Unknown
from safe_io.errors import BadInput
from safe_io.output import write
from safe_io.terminal import one_line
from safe_io.yaml_file import YamlFile
from stacks.environment.existing_cluster import ExistingClusterSpec
from stacks.environment.validating import validated


def look_up(account: Asked, name: str, file: Path, *, today: date, say: Callable[[str], None]) -> int:
    """Writes ``file``; returns the exit code.

    Args:
        account: where the cluster is.
        name: of the cluster.
        file: what is written, such as environments/existing/NAME.yaml. A file of an earlier look-up is replaced.
        today: the day of the look-up.
        say: prints a line.

    Raises:
        BadInput: there is no such cluster, it cannot be asked, or ``file`` is something else.
    """
    if file.exists() and "looked_up" not in (YamlFile(file).data or {}):
        raise BadInput(one_line(f"{file}: exists, and is not a look-up; name another file. Nothing was changed."))
    try:
        found = _found(account, name, today)
    except AccountError as problem:
        raise BadInput(one_line(f"{name} cannot be looked up: {problem}. Nothing was changed.")) from None
    except (KeyError, TypeError, IndexError):
        raise BadInput(one_line(f"{name} cannot be looked up: the answer does not have the shape of AWS's")) from None
    text = (
        f"# Written by: python -m operations look-up {name} --file {file}\n"
        "# Run that again after an upgrade of the cluster. `subnets` may be changed by hand.\n"
        f"{yaml.safe_dump(found, sort_keys=False, width=140)}"
    )
    validated(YamlFile.parse(text, file)[0], ExistingClusterSpec)
    file.parent.mkdir(parents=True, exist_ok=True)
    write(file, text)
    provider = found.get("oidc_provider_arn") or "none, so no AWS roles for pods on Fargate"
    say(
        one_line(
            f"{file}: {name}, Kubernetes {found['kubernetes_version']}, {len(found['subnets'])} subnets; OIDC provider: {provider}"
        )
    )
    return 0


def _plain(value: Any) -> Any:
    """Returns a value with a marker for what EKS does not return."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return NOT_SAID if isinstance(value, Unknown) else value


def _found(account: Asked, name: str, today: date) -> dict[str, Any]:
    cluster = account.one("eks", "describe_cluster", "cluster", name=name)
    vpc = cluster["resourcesVpcConfig"]
    (network,) = account.items("ec2", "describe_vpcs", "Vpcs", VpcIds=[vpc["vpcId"]])
    subnets = account.items("ec2", "describe_subnets", "Subnets", SubnetIds=list(vpc["subnetIds"]))
    private = [one for one in subnets if not one.get("MapPublicIpOnLaunch")] or subnets
    issuer = cluster["identity"]["oidc"]["issuer"]
    providers = account.one("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList")
    trusted = [
        one["Arn"] for one in providers if one["Arn"].partition("oidc-provider/")[2] == issuer.removeprefix("https://")
    ]
    addresses = cluster["kubernetesNetworkConfig"]
    found = {
        "looked_up": today,
        "kubernetes_version": cluster["version"],
        "authentication_mode": (cluster.get("accessConfig") or {}).get("authenticationMode", "CONFIG_MAP"),
        "ip_family": addresses.get("ipFamily", "ipv4"),
        "service_cidr": addresses.get("serviceIpv4Cidr"),
        "endpoint": cluster["endpoint"],
        "certificate_authority": cluster["certificateAuthority"]["data"],
        "security_group_id": vpc["clusterSecurityGroupId"],
        "oidc_issuer": issuer,
        "oidc_provider_arn": trusted[0] if trusted else None,
        "vpc_id": vpc["vpcId"],
        "vpc_cidr": network["CidrBlock"],
        "ipv6": bool(network.get("Ipv6CidrBlockAssociationSet")),
        "subnets": [
            {"availability_zone": one["AvailabilityZone"], "subnet_id": one["SubnetId"]}
            for one in sorted(private, key=lambda one: (one["AvailabilityZone"], one["SubnetId"]))
        ],
        "properties": _plain(cluster_properties(cluster)),
    }
    # EKS no longer returns it, and the creator's access entry may be gone.
    found["properties"].setdefault("AccessConfig", {}).setdefault("BootstrapClusterCreatorAdminPermissions", NOT_SAID)
    return {key: value for key, value in found.items() if value is not None}
