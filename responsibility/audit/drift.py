"""Compares what runs with the templates it was made from: every EKS property that a template sets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from responsibility.account.errors import AccountError
from responsibility.audit.questions import Questions
from responsibility.reading.embedded import NoData, json_in
from responsibility.reading.facts import Facts
from responsibility.reading.partly_known import Part, filled
from responsibility.reading.resource import Resource
from responsibility.reading.template import BadSource
from responsibility.reading.values import Reference, Unknown, Unread, unsaid

COMPARISON = "EKS::Comparison"
LIST_RESOURCES = ("cloudformation", "list_stack_resources")
_PREFIX = "AWS::EKS::"
_ADDED = {
    "AWS::EKS::Nodegroup",
    "AWS::EKS::FargateProfile",
    "AWS::EKS::Addon",
    "AWS::EKS::AccessEntry",
    "AWS::EKS::PodIdentityAssociation",
    "AWS::EKS::Capability",
}
"""Types of which one that no template says is a difference, too."""
NOT_TOLD = {
    ("AWS::EKS::Cluster", "BootstrapSelfManagedAddons"): "taken at creation only",
    ("AWS::EKS::Cluster", "AccessConfig.BootstrapClusterCreatorAdminPermissions"): "taken at creation only",
    ("AWS::EKS::Cluster", "RollbackConfig"): "taken by an update",
    ("AWS::EKS::Nodegroup", "ForceUpdateEnabled"): "taken by an update",
    ("AWS::EKS::Addon", "ResolveConflicts"): "taken by a creation or update",
    ("AWS::EKS::Addon", "PreserveOnDelete"): "taken by a deletion",
}
"""Properties that no API answers; most are writeOnlyProperties of the type's schema."""
_OTHERS_TO_SET = {("AWS::EKS::Nodegroup", "ScalingConfig.DesiredSize")}
"""Properties that something else changes by design: an autoscaler."""
_SEPARATOR = re.compile(r"[|/]")


class Drift:
    """Templates and an account, side by side."""

    def __init__(self, ask: Questions, templates: Facts, account: list[Resource], *, narrow: bool) -> None:
        """Asks nothing yet.

        Args:
            ask: the account.
            templates: what was written.
            account: what was read of the account, linked.
            narrow: some clusters only were asked for: those of templates that are not among them are left out.
        """
        self._ask = ask
        self._templates = templates
        self._narrow = narrow
        self._account = {resource.id: resource for resource in account}
        self._by_arn = {arn: resource for resource in account if isinstance(arn := resource.properties.get("Arn"), str)}
        self._physical: dict[str, str] = {}
        """Physical ids by the key of a template's resource."""
        self._missing: set[str] = set()
        """Stacks that the account does not have."""

    def comparisons(self) -> Iterator[Resource]:
        """Yields one for each difference, and one for each resource without any. Raises BadSource, AccountError."""
        ours = [resource for resource in self._templates.resources if resource.type.startswith(_PREFIX)]
        stacks = {resource.stack for resource in self._templates.resources if resource.region is not None}
        unread = {
            stack: why for stack in sorted(stacks, key=lambda name: name.count("/")) if (why := self._read_ids(stack))
        }
        if self._missing == stacks:
            raise BadSource(
                f"{'; '.join(why.reason for why in unread.values())}: nothing can be compared. Deploy it, or name the folder of"
                " an assembly; a lone template's file is named after its stack"
            )
        for stack in unread.keys() & {resource.stack for resource in ours}:
            properties = {"Of": "Stack", "Name": stack, "Difference": unread[stack], "At": []}
            yield self._ask.resource(COMPARISON, f"{stack}#", properties, call=LIST_RESOURCES)
        seen = set()
        for resource in ours:
            physical = self._physical.get(resource.key)
            if physical is None:
                continue  # its condition does not hold, or the stack was not deployed with it yet: cdk diff says so
            name = _name_of(resource.type, physical)
            found = self._account.get(name) or self._by_arn.get(physical)
            seen.add(found.id if found else name)
            if found is None and self._narrow and name.split("/")[0] not in self._account:
                continue
            if found is None:
                yield self._comparison(name, resource, self._untold(name) or "does not exist any more")
            else:
                yield from self._differences(resource, found)
        clusters = {name for name in seen if "/" not in name}
        for resource in self._account.values():
            beside = resource.type in _ADDED and resource.belongs_to in clusters and resource.id not in seen
            if beside and not _made_by_eks(resource) and not isinstance(resource.properties, Unread):
                yield self._comparison(resource.id, resource, "is in no template", found=resource)

    def _untold(self, name: str) -> Unknown | None:
        """Returns why it is not known whether something exists: its list, or one of its kind, is not known; None = it is."""
        prefix = name.split("/", 2)[:2]
        kin = (one for one in self._account.values() if one.id.split("/", 2)[:2] == prefix)
        return next((one.properties[""] for one in kin if isinstance(one.properties, Unread)), None)

    def _read_ids(self, stack: str) -> Unknown | None:
        """Returns why the ids of a stack's resources are not known; None = they are."""
        # A nested stack's id is the physical id of the resource that makes it: STACK/LOGICAL-ID.
        name = self._physical.get(stack, stack)
        try:
            rows = self._ask.account.items(*LIST_RESOURCES, "StackResourceSummaries", StackName=name)
        except AccountError as error:
            if error.denied:
                return Unknown(f"{self._ask.account.action(*LIST_RESOURCES)}: not allowed")
            if error.code != "ValidationError":
                raise
            self._missing.add(stack)
            return Unknown(f"there is no stack {stack} in {self._ask.account.region}")
        for row in rows:
            if "PhysicalResourceId" in row and row["ResourceStatus"] != "DELETE_COMPLETE":
                self._physical[f"{stack}/{row['LogicalResourceId']}"] = row["PhysicalResourceId"]
        return None

    def _comparison(
        self, name: str, template: Resource, words: str | Unknown, *, path: str = "", found: Resource | None = None
    ) -> Resource:
        says = "" if template.answer else f"{template.stack}/{template.id}"
        properties: dict[str, Any] = {
            "Of": template.type.removeprefix(_PREFIX),
            "Name": name,
            "Difference": words,
            "Template": says,
        }
        resource = self._ask.resource(
            COMPARISON, f"{name}#{path}", properties, call=LIST_RESOURCES, cluster=name.split("/")[0]
        )
        at = (found or template).evidence(path)
        properties["At"] = [at] if not says else [at, template.evidence(path)] if found else [template.evidence()]
        return resource

    def _differences(self, template: Resource, found: Resource) -> Iterator[Resource]:
        count = 0
        for name, value in template.properties.items():
            for path, wanted, runs in self._differing(template.type, name, value, found.properties.get(name)):
                count += 1
                known = f"{path} is {_shown(runs)}; the template says {_shown(wanted)}"
                words = runs if isinstance(runs, Unknown) else known
                yield self._comparison(found.id, template, words, path=path, found=found)
        if not count:
            yield self._comparison(found.id, template, "", found=found)

    def _differing(self, kind: str, path: str, wanted: Any, runs: Any) -> Iterator[tuple[str, Any, Any]]:
        """Yields path, the template's value and the account's of each difference."""
        if (kind, path) in NOT_TOLD or (kind, path) in _OTHERS_TO_SET or unsaid(wanted):
            return
        gaps = [one for one in (runs if isinstance(runs, list) else [runs]) if isinstance(one, Unknown)]
        if gaps:
            yield path, wanted, gaps[0]
        elif isinstance(wanted, dict) and isinstance(runs, dict):
            for key, value in wanted.items():
                yield from self._differing(kind, f"{path}.{key}", value, runs.get(key))
        elif path.endswith("Tags") and isinstance(wanted, list) and isinstance(runs, list):
            # CloudFormation adds the stack's tags.
            for tag in wanted:
                if not any(self._same(tag, other) for other in runs):
                    yield path, tag, "not there"
        elif not self._same(wanted, runs):
            yield path, wanted, runs

    def _same(self, wanted: Any, runs: Any) -> bool:
        """Whether two values mean the same; what the template does not say is the same as anything."""
        if isinstance(wanted, Reference):
            return self._is(wanted, runs)
        if unsaid(wanted):
            return True
        if isinstance(wanted, dict):
            return isinstance(runs, dict) and all(self._same(value, runs.get(key)) for key, value in wanted.items())
        if isinstance(wanted, list):
            left = list(runs) if isinstance(runs, list) else []
            for item in wanted:  # in any order: EKS keeps none
                match = next((other for other in left if self._same(item, other)), None)
                if match is None:
                    return False
                left.remove(match)
            return not left
        if isinstance(wanted, str):
            wanted = filled(wanted, self._named)
            if isinstance(runs, Reference):
                return self._means(runs, wanted)
            both = (_json(wanted), _json(runs))
            if both != (None, None):
                return bool(both[0] == both[1])
        return bool(str(wanted).lower() == str(runs).lower()) or (
            wanted in (None, "", False) and runs in (None, "", False)
        )

    def _named(self, inside: str) -> str | None:
        """Returns the physical id for a reference inside of a text; None = it is not a reference."""
        found = Part(inside).reference
        return self._physical.get(f"{found[0]}/{found[1]}", "") if found else None

    def _is(self, wanted: Reference, runs: Any) -> bool:
        """Whether a value is what a template's reference gives."""
        physical = self._physical.get(f"{wanted.stack}/{wanted.resource}")
        if physical is None:
            return True  # not deployed yet
        if isinstance(runs, Reference):
            return self._means(runs, physical)
        if wanted.attribute in ("", "Arn") or str(runs).endswith(physical):
            return _names(str(runs), physical)
        return True  # another attribute, such as the number of a version: only CloudFormation knows it

    def _means(self, runs: Reference, physical: str) -> bool:
        """Whether something of the account is that of a physical id or an ARN, in which a role has its path, too."""
        found = self._account.get(runs.resource)
        path = str(found.properties.get("Arn", "") if found else "").partition(":role/")[2]
        return _names(runs.resource, physical) or bool(path and physical.endswith(f":role/{path}"))


def _names(value: str, physical: str) -> bool:
    """Whether a name or an ARN is that of a physical id: ``role/x`` and ``arn:...:role/x`` are of ``x``, ``lt-1/2`` of ``lt-1``."""
    longer = value.endswith((f"/{physical}", f":{physical}")) or value.startswith(f"{physical}/")
    return value == physical or longer or physical.endswith((f"/{value}", f":{value}"))


def _json(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json_in(value)
        except NoData:
            return None
    return None


def _shown(value: Any) -> str:
    if isinstance(value, Reference):
        return value.words
    if value is None:
        return "not set"
    words = json.dumps(value, default=str, sort_keys=True)
    return words if len(words) <= 120 else f"{words[:117]}..."


def _name_of(kind: str, physical: str) -> str:
    """Returns the name that a resource has in an audit."""
    if kind == "AWS::EKS::Cluster":
        return physical
    if kind == "AWS::EKS::AccessEntry":
        principal, _, cluster = physical.rpartition("|")
        return f"{cluster}/access-entry/{principal}"
    if kind == "AWS::EKS::PodIdentityAssociation":
        cluster, name = _SEPARATOR.split(physical)[-2:]
        return f"{cluster}/pod-identity-association/{name}"
    words = {"AWS::EKS::FargateProfile": "fargate-profile"}
    cluster, _, name = re.sub(r"^arn:[^/]*/", "", physical).replace("|", "/").partition("/")
    return f"{cluster}/{words.get(kind, kind.removeprefix(_PREFIX).lower())}/{name.rpartition('/')[2] or name}"


def _made_by_eks(resource: Resource) -> bool:
    """Whether EKS made it by itself: it lets nodes in, those of node groups, Fargate profiles and Auto Mode."""
    return resource.type == "AWS::EKS::AccessEntry" and resource.maybe("Type", "STANDARD") != "STANDARD"
