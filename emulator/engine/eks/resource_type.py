"""How a CloudFormation resource of EKS is made, changed and deleted: by requests to EKS, as CloudFormation does it."""

import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from emulator.engine.eks.service import Eks
from emulator.engine.eks.shapes import from_properties
from emulator.engine.eks.state import Record, Refused
from emulator.engine.provider import Attributes, Place, Properties, ResourceType

TIMEOUT_SECONDS = 60.0
FAILED = ("CREATE_FAILED", "DEGRADED", "DELETE_FAILED", "FAILED")


class EksResource:
    """One resource type. A subclass names its operations, and has what is particular to it."""

    shape: ClassVar[str]
    """In the operations' names: ``Nodegroup`` for CreateNodegroup, DescribeNodegroup and DeleteNodegroup."""
    member: ClassVar[str]
    """Of the answers: what holds the record."""
    key: ClassVar[str]
    """The parameter with the name."""
    arn: ClassVar[str] = "arn"
    """The member of the record with the ARN."""
    longest_name: ClassVar[int] = 0
    """Of a name that is generated where the template gives none; 0: the template always does."""
    changeable: ClassVar[bool] = True
    """Whether any property can change without a replacement."""

    def __init__(self, eks: Callable[[], Eks]) -> None:
        """Serves whatever EKS ``eks`` returns at the time of a call: that of the account and region of the request."""
        self.eks = eks

    def resource_type(self) -> ResourceType:
        """Returns the type for the provider."""
        return ResourceType(self.create, self.delete, self.update if self.changeable else None, waits=True)

    # What most types share, and some have otherwise

    def physical_id(self, record: Record) -> str:
        """Returns what Ref gives."""
        return f"{record['clusterName']}|{record[self.key]}"

    def who(self, physical_id: str) -> Record:
        """Returns the parameters that name the resource in a request."""
        cluster, _, name = physical_id.partition("|")
        return {"clusterName": cluster, self.key: name}

    def attributes(self, record: Record) -> Attributes:
        """Returns what Fn::GetAtt gives."""
        return {"Arn": record[self.arn]}

    def parameters(self, operation: str, props: Properties) -> Record:
        """Returns properties as parameters of the operation ``Create`` or ``Update``."""
        return from_properties(f"{operation}{self.shape}Request", props)

    def complete(self, who: Record, props: Properties) -> None:
        """Adds what the request that makes the resource does not take."""

    def change(self, who: Record, old: Properties, new: Properties) -> None:
        """Makes the requests that lead from the old to the new properties, tags aside."""

    # The handlers

    def create(self, props: Properties, place: Place) -> tuple[str, Attributes]:
        """Makes a resource and waits for it. Raises ValueError."""
        if self.longest_name:
            props = {self.key[:1].upper() + self.key[1:]: place.name(self.longest_name), **props}
        made = self.call(f"Create{self.shape}", self.parameters("Create", props))[self.member]
        who = self.who(self.physical_id(made))
        self.complete(who, props)
        record = self.settled(who)
        return self.physical_id(record), self.attributes(record)

    def update(self, physical_id: str, old: Properties, new: Properties, _place: Place) -> Attributes:
        """Changes a resource, then its tags. Raises ValueError."""
        who = self.who(physical_id)
        self.change(who, old, new)
        record = self.settled(who)
        before, after = tag_map(old.get("Tags")), tag_map(new.get("Tags"))
        if gone := [key for key in before if key not in after]:
            self.call("UntagResource", {"resourceArn": record[self.arn], "tagKeys": gone})
        if changed := {key: value for key, value in after.items() if before.get(key) != value}:
            self.call("TagResource", {"resourceArn": record[self.arn], "tags": changed})
        return self.attributes(record)

    def delete(self, physical_id: str, _props: Properties) -> None:
        """Deletes a resource and waits until it is gone. Raises ValueError."""
        who = self.who(physical_id)
        try:
            self.call(f"Delete{self.shape}", who)
        except ValueError as error:
            if "NotFound)" in str(error):
                return
            raise
        self.settled(who, gone=True)

    def call(self, operation: str, parameters: Mapping[str, Any]) -> Record:
        """Calls EKS. Raises ValueError with what CloudFormation would show."""
        try:
            return self.eks().call(operation, dict(parameters))
        except Refused as refusal:
            in_use = "AlreadyExists" if "already exists" in refusal.message else "ResourceConflict"
            kinds = {
                "ResourceInUseException": in_use,
                "ResourceNotFoundException": "NotFound",
                "ResourceLimitExceededException": "ServiceLimitExceeded",
            }
            raise ValueError(
                f'Resource handler returned message: "{refusal.message} (Service: Eks, Status Code: {refusal.http_status})"'
                f" (HandlerErrorCode: {kinds.get(refusal.code, 'InvalidRequest')})"
            ) from None

    def described(self, who: Mapping[str, Any]) -> Record:
        """Returns the record. Raises Refused."""
        found: Record = self.eks().call(f"Describe{self.shape}", dict(who))[self.member]
        return found

    def settled(self, who: Mapping[str, Any], *, gone: bool = False) -> Record:
        """Waits until the resource is settled, or gone, and returns its record. Raises ValueError: it failed."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            try:
                record = self.described(who)
            except Refused:
                if gone:
                    return {}
                raise
            status = record.get("status", "ACTIVE")
            if status in FAILED:
                issues = "; ".join(issue["message"] for issue in record.get("health", {}).get("issues", []))
                raise ValueError(
                    f'Resource handler returned message: "{status}: {issues}" (HandlerErrorCode: NotStabilized)'
                )
            if status == "ACTIVE" and not gone:
                return record
            time.sleep(0.005)
        raise ValueError(f"{self.shape} {dict(who)} did not settle in {TIMEOUT_SECONDS:.0f} s")


def tag_map(tags: Any) -> dict[str, str]:
    """Returns tags as a map, whether a template has them as a list or, for a node group, as a map."""
    if isinstance(tags, Mapping):
        return dict(tags)
    return {tag["Key"]: tag.get("Value", "") for tag in tags or []}


def changed(before: Mapping[str, Any], after: Mapping[str, Any], keys: Any) -> Record:
    """Returns those of ``keys`` whose value is another one after the change."""
    return {key: after[key] for key in keys if key in after and before.get(key) != after[key]}
