"""Rules that the file adds to the cluster's security group, which the control plane, nodes and pods share."""

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network
from typing import Annotated, Literal

from aws_cdk import aws_ec2 as ec2
from constructs import Construct
from pydantic import AfterValidator, model_validator

from eks_constructs.construct_ids import pascal_case
from eks_constructs.endpoint import LARGEST_NETWORK, EndpointSpec, PrefixListId, SecurityGroupId
from eks_constructs.spec import Cidr, Misplaced, Spec, distinct_values, pattern
from eks_facts.files import limit

Ports = Annotated[
    str,
    pattern(r"(0|[1-9]\d{0,4})(-[1-9]\d{0,4})?", 'must be a port or a range of them, in quotes: "9100" or "8000-8100"'),
]
RuleText = Annotated[
    str,
    pattern(
        r"[A-Za-z0-9]([A-Za-z0-9 ._:/()#,@\[\]+=&;{}!$*-]{0,198}[A-Za-z0-9.)])?",
        "must be a sentence: 1 to 200 letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*, which is what EC2 takes",
    ),
]
"""https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html"""


class SecurityGroupRuleSpec(Spec):
    """Who may reach the control plane, nodes and pods besides the cluster's own members."""

    description: RuleText
    """What it is for."""
    protocol: Literal["tcp", "udp", "icmp", "all"] = "tcp"
    """Protocol of the traffic."""
    ports: Ports | None = None
    """Port, or range of ports, of tcp and udp."""
    cidrs: Annotated[list[Cidr], AfterValidator(distinct_values)] = []
    """Networks that it lets in."""
    security_groups: Annotated[list[SecurityGroupId], AfterValidator(distinct_values)] = []
    """Security groups, in the VPC or a peered one, whose members it lets in."""
    prefix_lists: Annotated[list[PrefixListId], AfterValidator(distinct_values)] = []
    """Managed prefix lists of networks that it lets in."""

    @property
    def range(self) -> tuple[int, int]:
        """First and last port; -1 and -1: all."""
        if not self.ports:
            return -1, -1
        first, _, last = self.ports.partition("-")
        return int(first), int(last or first)

    def sources(self) -> Iterator[tuple[str, str]]:
        """Yields the key by which EC2 names each source, and the source."""
        yield from (("cidr_ip", one) for one in self.cidrs)
        yield from (("source_security_group_id", one) for one in self.security_groups)
        yield from (("source_prefix_list_id", one) for one in self.prefix_lists)

    @model_validator(mode="after")
    def _complete(self) -> "SecurityGroupRuleSpec":
        if not any(self.sources()):
            raise ValueError("lets nobody in; add cidrs, security_groups or prefix_lists")
        needs_ports = self.protocol in ("tcp", "udp")
        if needs_ports and not self.ports:
            raise ValueError('is missing ports, such as "9100" or "8000-8100" ("0-65535": all)')
        if self.ports and not needs_ports:
            raise Misplaced(f"{self.protocol} has no ports; remove them", "ports")
        first, last = self.range
        if first > last or last > 65535:
            raise Misplaced("must be at most 65535, and a range begins with its lower end", "ports")
        for index, cidr in enumerate(self.cidrs):
            if IPv4Network(cidr).prefixlen < LARGEST_NETWORK:
                raise Misplaced(
                    f"{cidr} is larger than any network of one organisation; list your networks", "cidrs", index
                )
        return self


def check_rules(rules: Sequence[SecurityGroupRuleSpec]) -> None:
    """Raises Misplaced for a rule that is there twice, which EC2 refuses."""
    seen: set[tuple[object, ...]] = set()
    for index, rule in enumerate(rules):
        for _, source in rule.sources():
            one = (rule.protocol, rule.range, source)
            if one in seen:
                raise Misplaced(f"lets {source} in on the same ports as another rule; remove one", index)
            seen.add(one)


def check_group(
    rules: Sequence[SecurityGroupRuleSpec],
    endpoint: EndpointSpec,
    made: Mapping[tuple[str, str, int], str],
    *,
    tunnel_host: bool,
) -> None:
    """Raises Misplaced, from the cluster, for rules that EC2 would refuse: twice in a group, whatever they are called, or too many.

    ``made``: range, protocol and port of what a kind of compute lets in by itself, with its name.
    """
    asked: list[tuple[tuple[str, str, int], Sequence[str | int]]] = [
        ((cidr, "tcp", 443), ("endpoint", "private_access_cidrs", index))
        for index, cidr in enumerate(endpoint.private_access_cidrs)
    ]
    asked += [
        ((cidr, rule.protocol, rule.range[0]), ("security_group_rules", index))
        for index, rule in enumerate(rules)
        for cidr in rule.cidrs
        if rule.range[0] == rule.range[1]
    ]
    for rule, where in asked:
        if rule in made:
            raise Misplaced(
                f"{rule[0]} has a rule for port {rule[2]} already, of {made[rule]}, and EC2 takes none twice; remove it",
                *("control_plane", *where),
            )
    # One lets the group's members reach each other.
    number = 1 + tunnel_host + len(made) + endpoint.private_sources + sum(len(list(rule.sources())) for rule in rules)
    if made and number > limit("security_group_rules"):
        raise Misplaced(
            f"the cluster's security group would have {number} rules, and EC2 takes {limit('security_group_rules')}: write adjacent"
            " ranges as one (https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html)",
            *("compute", next(iter(made.values()))),
        )


def add_rules(scope: Construct, rules: Sequence[SecurityGroupRuleSpec], *, group_id: str) -> None:
    """Adds the rules to the security group ``group_id``."""
    for rule in rules:
        first, last = rule.range
        for key, source in rule.sources():
            # By what the rule says, not its place in the file: rules can be reordered without being replaced.
            name = re.sub(r"[./]", "x", source) if key == "cidr_ip" else pascal_case(source)
            ports = f"{first}To{last}" if rule.ports else ""
            ec2.CfnSecurityGroupIngress(
                scope,
                f"{pascal_case(rule.protocol)}{ports}From{name}",
                group_id=group_id,
                ip_protocol="-1" if rule.protocol == "all" else rule.protocol,
                from_port=first,
                to_port=last,
                description=rule.description,
                **{key: source},
            )
