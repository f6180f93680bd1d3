"""Specs of VPC endpoints: a service that is known here by its name, or any with settings."""

from typing import Annotated

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from eks_constructs.rights import AllowSpec
from eks_constructs.spec import Misplaced, Spec, pattern, repeated
from eks_facts.files import load


def _known_service(name: str) -> str:
    known = list(additional_services())
    if name not in known:
        raise ValueError(f"must be one of {', '.join(known)}; any other service: {{service: {name}}}")
    return name


def additional_services() -> list[str]:
    """Returns the services that a file can name alone: with an interface endpoint, or a gateway endpoint that is not always there."""
    rows = load("vpc_endpoints")
    return [*(name for name, row in rows["gateway"].items() if not row["default"]), *rows["interface"]]


EndpointService = Annotated[
    str,
    AfterValidator(_known_service),
    Field(json_schema_extra=lambda schema: schema.update(enum=additional_services())),
]
"""An AWS service with an endpoint (eks_facts/data/vpc_endpoints.yaml)."""

AnyService = Annotated[
    str,
    pattern(
        r"[a-z0-9]([a-z0-9._-]{0,126}[a-z0-9])?",
        "must be the name of a service: sqs, or a whole one such as com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0",
    ),
]
"""https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html"""


class VpcEndpointSpec(Spec):
    """A VPC endpoint of any service, with settings of its own."""

    service: AnyService
    """AWS's short name (`bedrock-runtime` for com.amazonaws.REGION.bedrock-runtime; `s3` and `dynamodb` are gateway endpoints), or the
    whole name of a service, such as one of your own (com.amazonaws.vpce.REGION.vpce-svc-ID)."""
    private_dns: bool | None = None
    """Whether the service's usual names lead to it. Default: of an AWS service; whoever offers another must have verified a name."""
    allow: list[AllowSpec] = []
    """All that can be done through it, by anybody: its policy. Default: everything, within the rights of who asks. What nodes and
    controllers do through it must be among it."""

    @property
    def is_gateway(self) -> bool:
        """Whether it is an entry of route tables, free of charge, in place of network interfaces."""
        return self.service in load("vpc_endpoints")["gateway"]

    @property
    def has_whole_name(self) -> bool:
        """Whether `service` is the whole name."""
        return "." in self.service and self.service.split(".")[0] in ("com", "cn", "aws", "eu", "gov")

    @model_validator(mode="after")
    def _gateway(self) -> "VpcEndpointSpec":
        if self.is_gateway and self.private_dns is not None:
            raise Misplaced("is for interface endpoints, and this is a gateway endpoint; remove it", "private_dns")
        return self


Endpoint = Annotated[
    Annotated[EndpointService, Tag("name")] | Annotated[VpcEndpointSpec, Tag("settings")],
    Discriminator(lambda value: "settings" if isinstance(value, dict | VpcEndpointSpec) else "name"),
]
"""A service that is known here by its name, or any with settings."""


def distinct_endpoints(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Returns the endpoints. Raises Misplaced for a service that is there twice."""
    names = [one.service if isinstance(one, VpcEndpointSpec) else one for one in endpoints]
    if (index := repeated(names)) is not None:
        raise Misplaced(f"{names[index]} is in the list twice; remove one", index)
    return endpoints
