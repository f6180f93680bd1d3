"""Resource types of services that the local AWS does not have: it keeps their properties, under the names that AWS would give.

CloudFormation's schemas check them as they check all types (provider.py). No API answers for them.
"""

import uuid
from collections.abc import Callable

from emulator.engine import port
from emulator.engine.provider import RESOURCE_TYPES, Attributes, Place, Properties, ResourceType

_Identity = Callable[[Properties], tuple[str, Attributes]]
"""From properties to the physical id and attributes."""


def install() -> None:
    """Registers the types."""
    for name, identity in _TYPES.items():
        RESOURCE_TYPES[name] = _kept(identity, alone=name in _ONE_IN_A_REGION)


def _kept(identity: _Identity, *, alone: bool) -> ResourceType:
    attributes: dict[str, Attributes] = {}

    def create(props: Properties, _place: Place) -> tuple[str, Attributes]:
        physical_id, attributes_of_it = identity(props)
        if physical_id in attributes or (alone and attributes):
            raise ValueError("the resource exists already in this account and region")
        attributes[physical_id] = attributes_of_it
        return physical_id, attributes_of_it

    def update(physical_id: str, _old: Properties, _new: Properties, _place: Place) -> Attributes:
        return attributes[physical_id]

    def delete(physical_id: str, _props: Properties) -> None:
        attributes.pop(physical_id, None)

    return ResourceType(create, delete, update)


def _hexadecimal(count: int) -> str:
    return uuid.uuid4().hex[:count]


def _association(_props: Properties) -> tuple[str, Attributes]:
    name = f"rslvr-rrassoc-{_hexadecimal(17)}"
    return name, {"ResolverRuleAssociationId": name}


def _workspace(_props: Properties) -> tuple[str, Attributes]:
    name = f"ws-{uuid.uuid4()}"
    endpoint = f"https://aps-workspaces.{port.region()}.amazonaws.com/workspaces/{name}/"
    made = _arn("aps", f"workspace/{name}")
    return made, {"Arn": made, "WorkspaceId": name, "PrometheusEndpoint": endpoint}


def _scraper(_props: Properties) -> tuple[str, Attributes]:
    name = f"s-{uuid.uuid4()}"
    role = f"AWSServiceRoleForAmazonPrometheusScraper_{name[2:16]}"
    role_arn = f"arn:aws:iam::{port.account_id()}:role/aws-service-role/scraper.aps.amazonaws.com/{role}"
    made = _arn("aps", f"scraper/{name}")
    return made, {"Arn": made, "ScraperId": name, "RoleArn": role_arn}


def _detector(_props: Properties) -> tuple[str, Attributes]:
    name = uuid.uuid4().hex
    return name, {"Id": name}


def _selection(props: Properties) -> tuple[str, Attributes]:
    selection = str(uuid.uuid4())
    return f"{props['BackupPlanId']}|{selection}", {"SelectionId": selection, "Id": selection}


def _cache_rule(props: Properties) -> tuple[str, Attributes]:
    return str(props["EcrRepositoryPrefix"]), {}


def _cache_template(props: Properties) -> tuple[str, Attributes]:
    return str(props["Prefix"]), {}


def _alarm(props: Properties) -> tuple[str, Attributes]:
    # ministack has alarms, but none on metric math.
    name = str(props.get("AlarmName") or f"alarm-{uuid.uuid4()}")
    return name, {"Arn": _arn("cloudwatch", f"alarm:{name}")}


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{port.region()}:{port.account_id()}:{resource}"


_TYPES: dict[str, _Identity] = {
    "AWS::APS::Scraper": _scraper,
    "AWS::APS::Workspace": _workspace,
    "AWS::Backup::BackupSelection": _selection,
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::ECR::PullThroughCacheRule": _cache_rule,
    "AWS::ECR::RepositoryCreationTemplate": _cache_template,
    "AWS::GuardDuty::Detector": _detector,
    "AWS::Route53Resolver::ResolverRuleAssociation": _association,
}
_ONE_IN_A_REGION = ("AWS::GuardDuty::Detector",)
