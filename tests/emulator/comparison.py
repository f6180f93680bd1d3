"""Compares what boto3 describes with a template, field by field: for every resource that has a reader, every property."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from ipaddress import ip_network
from typing import Any

from emulator.process import ACCOUNT, REGION
from emulator.status import client
from responsibility.audit.drift import NOT_TOLD
from tests.emulator.deployment import Deployment
from tests.emulator.reading import READERS, Record, tag_list

COMPARED = (
    "AWS::EKS::",
    "AWS::EC2::",
    "AWS::IAM::",
    "AWS::KMS::",
    "AWS::Events::",
    "AWS::AutoScaling::",
    "AWS::RolesAnywhere::",
)

NOT_DESCRIBED = {
    # Properties that no API answers. Most are writeOnlyProperties of the type's schema.
    **{(kind, path.replace(".", "/")): why for (kind, path), why in NOT_TOLD.items()},
    ("AWS::EC2::Instance", "PropagateTagsToVolumeOnCreation"): "taken at creation only",
    ("AWS::KMS::Key", "PendingWindowInDays"): "taken by a deletion",
    ("AWS::KMS::Key", "BypassPolicyLockoutSafetyCheck"): "taken by a creation or update",
}


def differences(deployment: Deployment, stack: str, template: Mapping[str, Any]) -> list[str]:
    """Returns what differs, as ``STACK/RESOURCE.PROPERTY: template ..., described ...``; empty if nothing does."""
    comparison = _Comparison(deployment, stack, template)
    return list(comparison.run())


class _Comparison:
    def __init__(self, deployment: Deployment, stack: str, template: Mapping[str, Any]) -> None:
        self._deployment, self._stack, self._template = deployment, stack, template
        self._resources = deployment.resources(stack)
        self._clients = cache(lambda service: client(deployment.engine, service))
        self._read = cache(self._reading)

    def run(self) -> Iterator[str]:
        for logical_id, resource in self._template["Resources"].items():
            kind = resource["Type"]
            if not kind.startswith(COMPARED):
                continue
            if kind not in READERS:
                yield f"{self._stack}/{logical_id}: {kind} has no reader"
                continue
            described = self._read(logical_id)
            for name, value in resource.get("Properties", {}).items():
                for path, wanted, found in _differing(name, self._resolve(value), described.get(name)):
                    if (kind, path) not in NOT_DESCRIBED:
                        yield f"{self._stack}/{logical_id}.{path}: template {wanted!r}, described {found!r}"

    def _reading(self, logical_id: str) -> Record:
        kind, physical_id = self._resources[logical_id]
        return READERS[kind](self._clients, physical_id)

    def _resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [one for one in map(self._resolve, value) if one is not None]
        if isinstance(value, str):
            return self._dynamic(value)
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, argument),) = value.items()
            if function == "Ref":
                return self._ref(argument)
            if function.startswith("Fn::"):
                return getattr(self, f"_{function[4:].lower()}")(argument)
        return {key: one for key, one in ((key, self._resolve(item)) for key, item in value.items()) if one is not None}

    def _dynamic(self, value: str) -> str:
        if found := re.fullmatch(r"\{\{resolve:ssm:([^}]+)\}\}", value):
            return str(self._clients("ssm").get_parameter(Name=found[1])["Parameter"]["Value"])
        return value

    def _ref(self, name: str) -> Any:
        pseudo = {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws",
                  "AWS::URLSuffix": "amazonaws.com", "AWS::StackName": self._stack, "AWS::NoValue": None}  # fmt: skip
        return pseudo[name] if name in pseudo else self._resources[name][1]

    def _getatt(self, argument: list[str]) -> Any:
        logical_id, attribute = argument
        found = self._read(logical_id)
        kind = self._resources[logical_id][0]
        names = {"AWS::EKS::Nodegroup": {"Arn": "NodegroupArn"}, "AWS::EKS::Addon": {"Arn": "AddonArn"}}
        return found[names.get(kind, {}).get(attribute, attribute)]

    def _join(self, argument: list[Any]) -> str:
        return str(argument[0]).join(str(one) for one in self._resolve(argument[1]))

    def _sub(self, argument: Any) -> str:
        text, variables = (argument, {}) if isinstance(argument, str) else argument

        def value(found: re.Match[str]) -> str:
            name = found[1]
            if name in variables:
                return str(self._resolve(variables[name]))
            return str(self._getatt(name.split(".", 1)) if "." in name else self._ref(name))

        return re.sub(r"\$\{([^!}][^}]*)\}", value, text)

    def _select(self, argument: list[Any]) -> Any:
        return self._resolve(argument[1])[int(argument[0])]

    def _split(self, argument: list[Any]) -> list[str]:
        return str(self._resolve(argument[1])).split(argument[0])

    def _base64(self, argument: Any) -> str:
        return base64.b64encode(str(self._resolve(argument)).encode()).decode()

    def _getazs(self, _argument: Any) -> list[str]:
        zones = self._clients("ec2").describe_availability_zones()["AvailabilityZones"]
        return sorted(zone["ZoneName"] for zone in zones)

    def _cidr(self, argument: list[Any]) -> list[str]:
        block, count, bits = (self._resolve(one) for one in argument)
        network = ip_network(block)
        subnets = network.subnets(new_prefix=network.max_prefixlen - int(bits))
        return [str(next(subnets)) for _ in range(int(count))]

    def _importvalue(self, argument: Any) -> str:
        pages = self._clients("cloudformation").get_paginator("list_exports").paginate()
        exports = {one["Name"]: one["Value"] for page in pages for one in page["Exports"]}
        return str(exports[self._resolve(argument)])

    def _getstackoutput(self, argument: Mapping[str, Any]) -> str:
        (stack,) = self._clients("cloudformation").describe_stacks(StackName=argument["StackName"])["Stacks"]
        return next(str(one["OutputValue"]) for one in stack["Outputs"] if one["OutputKey"] == argument["OutputName"])


def _differing(path: str, wanted: Any, found: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yields path, template's value and described value of each difference; members that only AWS has are none."""
    if isinstance(wanted, str) and isinstance(found, Mapping):  # a policy given as text
        wanted = json.loads(wanted)
    if path.split("/")[-1] in ("Tags",):
        wanted, found = (value if value is None else tag_list(value) for value in (wanted, found))
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for key, value in wanted.items():
            yield from _differing(f"{path}/{key}", value, found.get(key))
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for one, other in zip(sorted(wanted, key=_order), sorted(found, key=_order), strict=True):
            yield from _differing(f"{path}[]", one, other)
    elif path.endswith("ConfigurationValues") and isinstance(found, str):
        if json.loads(wanted) != json.loads(found):
            yield path, wanted, found
    elif wanted != found and str(wanted).lower() != str(found).lower():
        yield path, wanted, found


def _order(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
