"""The stacks and clusters of the local AWS, read with boto3 as in any account."""

import os
from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3  # type: ignore[import-untyped]
import botocore.session  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import HTTPClientError  # type: ignore[import-untyped]

from emulator.problem import Problem
from emulator.process import REGION, Engine


@cache
def client(engine: Engine, service: str, region: str = REGION) -> Any:
    """Returns a boto3 client for the local AWS, whatever the person's profile and credentials are."""
    identity, secret = engine.key
    alone = botocore.session.Session({"profile": (None, [], None, None), "config_file": (None, [], os.devnull, None)})
    session = boto3.session.Session(identity, secret, region_name=region, botocore_session=alone)
    return session.client(
        service, endpoint_url=engine.url, verify=engine.certificate if engine.tls else None,
        # A proxy cannot reach loopback; and a local service answers quickly or not at all.
        config=Config(proxies={}, connect_timeout=5, read_timeout=30),
    )  # fmt: skip


def stack_lines(engine: Engine) -> Iterator[str]:
    """Yields a line for each stack."""
    for stack in stacks(engine):
        reason = f"  {stack['StackStatusReason']}" if stack.get("StackStatusReason") else ""
        yield f"  {stack['StackName']:<32} {stack['StackStatus']}{reason}"


def stacks(engine: Engine) -> list[dict[str, Any]]:
    """Returns the stacks, the CDK's own among them. Raises Problem: it does not answer."""
    pages = client(engine, "cloudformation").get_paginator("describe_stacks").paginate()
    try:
        return [stack for page in pages for stack in page["Stacks"]]
    except HTTPClientError as error:
        raise Problem(f"the local AWS does not answer: {error}") from error


def cluster_lines(engine: Engine) -> Iterator[str]:
    """Yields the lines about each cluster: version, endpoint, compute, add-ons, access."""
    eks = client(engine, "eks")
    for name in eks.list_clusters()["clusters"]:
        cluster = eks.describe_cluster(name=name)["cluster"]
        network = cluster["resourcesVpcConfig"]
        private, public = network["endpointPrivateAccess"], network["endpointPublicAccess"]
        ways = [word for word, on in (("private", private), ("public", public)) if on]
        yield f"Cluster {name}: Kubernetes {cluster['version']}, {cluster['status']}, {' and '.join(ways)} endpoint"
        yield from _compute(eks, name, cluster)
        yield from _self_managed(engine, name)
        addons = [
            eks.describe_addon(clusterName=name, addonName=one)["addon"]
            for one in eks.list_addons(clusterName=name)["addons"]
        ]
        if addons:
            yield f"  add-ons        {len(addons)}, all {_statuses(addons)}: {', '.join(one['addonName'] for one in addons)}"
        yield from _access(eks, name)


def _statuses(records: list[dict[str, Any]]) -> str:
    return " or ".join(sorted({record["status"] for record in records}))


def _compute(eks: Any, name: str, cluster: dict[str, Any]) -> Iterator[str]:
    auto = cluster.get("computeConfig", {})
    if auto.get("enabled"):
        yield f"  Auto Mode      built-in pools: {', '.join(auto.get('nodePools', [])) or 'none'}"
    for one in eks.list_nodegroups(clusterName=name)["nodegroups"]:
        group = eks.describe_nodegroup(clusterName=name, nodegroupName=one)["nodegroup"]
        sizes = group["scalingConfig"]
        yield (
            f"  managed nodes  {group['status']}, {sizes['minSize']} to {sizes['maxSize']} {', '.join(group['instanceTypes'])},"
            f" {group['amiType']}, {group['capacityType'].lower().replace('_', '-')}"
        )
    for one in eks.list_fargate_profiles(clusterName=name)["fargateProfileNames"]:
        profile = eks.describe_fargate_profile(clusterName=name, fargateProfileName=one)["fargateProfile"]
        yield f"  Fargate        {profile['status']}, pods of {', '.join(s['namespace'] for s in profile['selectors'])}"

    remote = cluster.get("remoteNetworkConfig") or {}
    nodes, pods = (
        ", ".join(cidr for one in remote.get(key) or [] for cidr in one.get("cidrs") or [])
        for key in ("remoteNodeNetworks", "remotePodNetworks")
    )
    if nodes:
        yield f"  hybrid nodes   of {nodes}{f', their pods of {pods}' if pods else ''}; machines have joined, as if nodeadm had run on them"


def _self_managed(engine: Engine, name: str) -> Iterator[str]:
    groups = client(engine, "autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    for group in groups:
        if f"kubernetes.io/cluster/{name}" in [tag["Key"] for tag in group["Tags"]]:
            sizes = f"{group['MinSize']} to {group['MaxSize']}, now {group['DesiredCapacity']}"
            yield f"  self-managed   Auto Scaling group {group['AutoScalingGroupName']}: {sizes}"


def _access(eks: Any, name: str) -> Iterator[str]:
    for principal in eks.list_access_entries(clusterName=name)["accessEntries"]:
        entry = eks.describe_access_entry(clusterName=name, principalArn=principal)["accessEntry"]
        policies = eks.list_associated_access_policies(clusterName=name, principalArn=principal)[
            "associatedAccessPolicies"
        ]
        may = [one["policyArn"].split("/")[-1] for one in policies] or [entry["type"]]
        yield f"  access         {', '.join(may)}: {principal.split('/')[-1]}"
