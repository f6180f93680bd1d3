"""Every field of an environment is tried with odd values: each is refused, or there is a reason why it is right.

The values are tried on the field alone first, which is quick; what the field takes, on the whole file. A new field needs a value in
one of ``FILES``, and what it takes of ``ODD`` a line in ``RIGHT``.
"""

import copy
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, get_args

import pytest
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from safe_io.errors import BadInput
from safe_io.yaml_file import YamlFile
from stacks.environment.existing_cluster import ExistingClusterSpec
from stacks.environment.model import Environment
from stacks.environment.override_spec import OverrideSpec
from stacks.environment.strange_values import refuse_strange_values
from tests.stacks.every_field import FILES
from tests.support.environments import validated

Where = tuple[str | int, ...]

ARN = "arn:aws:iam::123456789012:"
KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
ODD: list[Any] = [
    *(True, False, 0, 1, -1, 1.0, 2.5, -0.0, 10**9, 10**30, -(10**30), 1e308),
    *(None, [], {}, [[]], [None], [True], [1], [{}], ["x"], ["", ""], {"a": None}, {"": ""}, {"x": "y"}, {"x": 1}),
    *("", " ", "\t", "x ", " x", "a b", "x\n", "a\x00", "a\x1b[2J", "a\u200bb", "\u202ea", "a\u00a0b", "\ufeffa", "\u00e9", "\u0661"),
    *("*", "**", "?", "%", "\\", "'", '"', "<x>", "a,b", "a;b", "`id`", "$(id)", "${x}", "${AWS::Region}", "{{ x }}"),
    *("${Token[TOKEN.5]}", "#{Token[TOKEN.3]}", "-1.8881545897087626e+289", "{{resolve:ssm:/x}}", "$jsii.byref"),
    *("-", "--", ".", "..", "/", "//", "a//b", "../x", "/etc/passwd", "a.", ".a", "-a", "a-", "a--b", "aws:x", "AWS:x"),
    *("0", "00", "-1", "01", "1e9", "1.5", "true", "null", "x" * 64, "x" * 129, "x" * 300, "a." * 200 + "a", "x" * 70_000),
    *("0.0.0.0/0", "0.0.0.0/8", "0.0.0.0/16", "127.0.0.0/16", "127.0.0.1/32", "169.254.0.0/16", "224.0.0.0/16", "240.0.0.0/16"),
    *("255.255.255.255/32", "100.64.0.0/16", "198.18.0.0/16", "10.0.0.0/7", "10.0.0.0/8", "10.0.0.0/29", "10.0.0.0/33"),
    *("10.0.0.1/16", "10.0.0.0", "010.0.0.0/16", "10.0.0.0/016", "10.0.0.0/255.255.0.0", "::/0", "256.0.0.0/16"),
    *("role/*", "role//", "role/", "role/a/", "role//a", "role/a b", "role/x?", "role/${x}", "role/" + "x" * 65, "user/" + "x" * 65),
    *("role/" + "p/" * 300 + "x", "group/x", "root", "role/AWSReservedSSO_Admin_0123456789abcdef", f"{ARN}root", f"{ARN}group/x"),
    *(f"{ARN}role/*", "arn:aws-cn:iam::123456789012:role/x", "arn:aws-x:iam::123456789012:role/x", "arn:aws:iam::12345:role/x"),
    *(f"{ARN}policy/*", "arn:aws-cn:iam::123456789012:policy/x", "arn:aws:sts::123456789012:assumed-role/x/y"),
    *(f"arn:aws:kms:eu-west-1:123456789012:{what}" for what in ("key/-", "key/1", "alias/x", f"key/{KEY[:-1]}", f"key/{KEY}/x")),
    *(f"arn:{way}:123456789012:key/{KEY}" for way in ("aws-cn:kms:cn-north-1", "aws-us-gov:kms:eu-west-1", "aws:kms:us-east-1")),
    *("vpc-1", "vpc-0123456789", "vpc-0123456789ABCDEF0", "subnet-", "subnet-012345678", "cr-0", "eu-west-9", "zz-zz-1", "eu-west-1z"),
    *("aws-global", "m7i.larg", "m7i", "x.y", "M7I.LARGE", "zzzz", "1.3", "1.36.0", "99.99", "v1.2.3", "al2023@", "al2023@v2-"),
    *("bottlerocket@9", "10s", "1h", "60m", "0h", "9999999h", "1Ki", "0Gi", "1Ei", "100m", "9" * 30 + "Gi", "localhost", "-.com"),
]  # fmt: skip


@cache
def files() -> list[Environment]:
    return [validated(data) for data in FILES]


def fields(model: BaseModel, where: Where = ()) -> Iterator[tuple[Where, type[BaseModel], str]]:
    """The fields that a file says something of, with the way to each."""
    for name in sorted(model.model_fields_set):
        yield (*where, name), type(model), name
        yield from _below(getattr(model, name), (*where, name))


def _below(value: Any, where: Where) -> Iterator[tuple[Where, type[BaseModel], str]]:
    if isinstance(value, BaseModel):
        yield from fields(value, where)
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _below(item, (*where, key))


def models(annotation: Any) -> set[type[BaseModel]]:
    """The models that a type consists of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        inner = (models(field.annotation) for field in annotation.model_fields.values())
        return {annotation}.union(*inner)
    return set().union(*(models(one) for one in get_args(annotation)))


LOOKED_UP = models(ExistingClusterSpec)
"""What a command writes, beside the environment's file: tests/operations/test_looking_up.py."""
FIELDS = sorted(
    {
        (model, name)
        for model in models(Environment) - LOOKED_UP
        for name, field in model.model_fields.items()
        if not models(field.annotation) & {ExistingClusterSpec}
        and name != "extends"  # read before the model sees the file: tests/safe_io/test_layers.py
        and (model, name) != (OverrideSpec, "value")  # whatever CloudFormation takes
    },
    key=str,
)


@cache
def places() -> dict[tuple[type[BaseModel], str], list[tuple[int, Where]]]:
    found: dict[tuple[type[BaseModel], str], list[tuple[int, Where]]] = {}
    for number, environment in enumerate(files()):
        for where, model, name in fields(environment):
            found.setdefault((model, name), []).append((number, where))
    return found


def held(value: Any, where: Where) -> Any:
    for key in where:
        value = value[key]
    return value


def of_field(field: FieldInfo) -> TypeAdapter[Any]:
    """What a field alone holds a value against."""
    annotation: Any = field.annotation
    for one in field.metadata:
        annotation = Annotated[annotation, one]
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return TypeAdapter(annotation, config=None if is_model else ConfigDict(strict=True))


def refused(data: dict[str, Any]) -> bool:
    try:
        (file,) = YamlFile.parse(json.dumps(data), "mine.yaml")
        refuse_strange_values(file)
        validated(file.data)
    except (BadInput, ValidationError):
        return True
    return False


def tried(now: Any, *, is_model: bool) -> Iterator[Any]:
    """Odd values for a field: as they are, as an item where it is a list, as a key or a value where it is a mapping."""
    yield from ODD
    if isinstance(now, list):
        yield from ([*now[:-1], odd] for odd in ODD)
        yield [*now, now[-1]]
    if isinstance(now, dict) and not is_model:
        yield from ({odd: next(iter(now.values()))} for odd in ODD if isinstance(odd, str) and len(odd) < 1000)
        yield from ({next(iter(now)): odd} for odd in ODD)


_LABEL = r"([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?"
_NAME = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_TAGS = r"(?!(?i:aws:))[\w.:/=+@-]([\w .:/=+@-]*[\w.:/=+@-])?"
RIGHT: dict[str, tuple[str, str]] = {
    "NodeClassSpec.kernel_parameters": (r"vm\.max_map_count|-?\d{1,20}", "the kernel knows the range of each"),
    "AccessEntrySpec.kubernetes_groups": (
        r"(?=.*[A-Za-z0-9])[ -~]{1,128}",
        "the names of groups are the cluster's own affair",
    ),
    "AccessEntrySpec.namespaces": (_NAME, "a name of Kubernetes"),
    "AccessPolicySpec.namespaces": (_NAME, "a name of Kubernetes"),
    "IdentityProviderSpec.client_id": ("(?s)[!-~]([ -~]*[!-~])?", "the provider's own affair"),
    "IdentityProviderSpec.groups_claim": (r"[A-Za-z][\w:/.-]*", "a claim"),
    "IdentityProviderSpec.groups_prefix": (r"[\w:/.@#-]+", "a beginning of names"),
    "IdentityProviderSpec.name": (_NAME, "a name"),
    "IdentityProviderSpec.required_claims": ("(?s)[!-~]([ -~]*[!-~])?", "the provider's own affair"),
    "IdentityProviderSpec.username_claim": (r"[A-Za-z][\w:/.-]*", "a claim"),
    "IdentityProviderSpec.username_prefix": (r"[\w:/.@#-]+", "a beginning of names"),
    "AddonSpec.allow": ("[!-~]+", "twice the same is once"),
    "AddonSpec.configuration": (r"(?s).*", "the add-on's own affair"),
    "AddonSpec.endpoints": (r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", "an endpoint, if AWS has it"),
    "AddonSpec.namespace": (_NAME, "a name of Kubernetes"),
    "AddonSpec.policies": (r"[\w+=,.@/-]+", "a policy, if AWS has it"),
    "AddonSpec.service_account": (_NAME, "a name of Kubernetes"),
    "AckSpec.allow": ("[!-~]+", "twice the same is once"),
    "AckSpec.policies": (r"[\w+=,.@/-]+", "a policy, if AWS has it"),
    "AllowSpec.actions": (r"\*|[a-z0-9-]+:[A-Za-z0-9*?]+", "an action, if IAM has it"),
    "AllowSpec.conditions": (r"(?s).*", "a value of a condition may be anything"),
    "AllowSpec.resources": (r"\*|arn:[!-~]+", "an ARN"),
    "ApiServerSpec.event_ttl": ("1h|60m", "within 10 and 60 minutes"),
    "AutoModeSpec.node_policies": (r"[\w+=,.@/-]+", "a policy, if AWS has it"),
    "AutoModeSpec.volume_tags": (_TAGS, "a tag"),
    "DisruptionBudgetSpec.nodes": ("0|00|01", "none, or a number of nodes"),
    "KarpenterNodeClassSpec.name": (_NAME, "a name of Kubernetes"),
    "KarpenterNodeClassSpec.placement_group": (
        r"[\w.:/=+@#-]([\w .:/=+@#-]*[\w.:/=+@#-])?",
        "EC2 takes almost anything",
    ),
    "KarpenterNodeClassSpec.tags": (_TAGS, "a tag"),
    "KarpenterNodePoolSpec.instance_categories": ("x", "there is x1"),
    "KarpenterNodePoolSpec.labels": (_LABEL, "a label"),
    "KarpenterNodePoolSpec.name": (_NAME, "a name of Kubernetes"),
    "KarpenterSpec.node_policies": (r"[\w+=,.@/-]+", "a policy, if AWS has it"),
    "KarpenterSpec.placement_group": (r"[\w.:/=+@#-]([\w .:/=+@#-]*[\w.:/=+@#-])?", "EC2 takes almost anything"),
    "KarpenterSpec.tags": (_TAGS, "a tag"),
    "KubeletSpec.eviction_hard": (r"memory\.available|\d+%|\d+(Mi|Gi)", "a threshold"),
    "ManagedNodesSpec.node_policies": (r"[\w+=,.@/-]+", "a policy, if AWS has it"),
    "NodeGroupSpec.placement_group": (r"[\w.:/=+@#-]([\w .:/=+@#-]*[\w.:/=+@#-])?", "EC2 takes almost anything"),
    "NodeGroupSpec.tags": (_TAGS, "a tag"),
    "SelfManagedNodesSpec.node_policies": (r"[\w+=,.@/-]+", "a policy, if AWS has it"),
    "RefreshSpec.alarms": (r"[\w.:/=+@#-]([\w .:/=+@#-]*[\w.:/=+@#-])?", "an alarm, if there is one"),
    "ControllerChartSpec.values": (r"(?s).*", "the chart's own affair"),
    "ControllerChartSpec.version": (r"\d+\.\d+\.\d+", "a version, if the repository has it"),
    "SelfManagedGroupSpec.placement_group": (r"[\w.:/=+@#-]([\w .:/=+@#-]*[\w.:/=+@#-])?", "EC2 takes almost anything"),
    "SelfManagedGroupSpec.tags": (_TAGS, "a tag"),
    "SelfManagedGroupSpec.labels": (_LABEL, "a label"),
    "SelfManagedGroupSpec.name": (_NAME, "a name"),
    "AmiSpec.ssm_parameter": (r"(/[\w.-]+)+", "the path of a parameter, if there is one"),
    "ReservedSpec.cpu": (r"\d+m", "thousandths of a vCPU"),
    "RequirementSpec.key": (_LABEL, "a label's key"),
    "RequirementSpec.values": (_LABEL, "a label's value"),
    "UserDataSpec.powershell": (r"(?s)\S.*", "a script is the author's own affair"),
    "UserDataSpec.bottlerocket": (r"(?s).*", "Bottlerocket's own affair, as far as EKS can merge it"),
    "UserDataSpec.node_config": (r"(?s).*", "nodeadm's own affair"),
    "AutoNodePoolSpec.instance_categories": ("x", "there is x1"),
    "AutoNodePoolSpec.labels": (_LABEL, "a label"),
    "AutoNodePoolSpec.name": (_NAME, "a name of Kubernetes"),
    "AutoNodePoolSpec.node_class": (_NAME, "a name of Kubernetes"),
    "CertificateAuthoritySpec.active_id": ("[A-Za-z0-9-]{1,100}", "EKS makes the id, and says nothing of its form"),
    "ChartSpec.chart": ("[a-z0-9][a-z0-9._/-]*", "a chart, if the repository has it"),
    "ChartSpec.endpoints": (r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", "an endpoint, if AWS has it"),
    "ChartSpec.images": ("[A-Za-z0-9./_-]*", "an image, by the value that names it"),
    "ChartSpec.name": (_NAME, "a name of Kubernetes"),
    "ChartSpec.namespace": (_NAME, "a name of Kubernetes"),
    "ChartSpec.nodes": (_NAME, "a group or pool, if there is one of that name"),
    "ChartSpec.version": (r"v?\d+\.\d+\.\d+", "a version, if the repository has it"),
    "ChartSpec.node_settings": ("[A-Za-z0-9._-]*", "keys of its values"),
    "ChartSpec.provides": ("[a-z0-9][a-z0-9./-]*", "names that others gave"),
    "ChartSpec.values": (r"(?s).*", "the chart's own affair"),
    "ClusterSpec.manifests": (r"(?s).*", "a path, which the loader looks for"),
    "KarpenterSpec.version": (r"\d+\.\d+\.\d+", "a version, if there is one"),
    "KarpenterSpec.values": (r"(?s).*", "the chart's own affair"),
    "LoadBalancerControllerSpec.allow": ("[!-~]+", "twice the same is once"),
    "LoadBalancerControllerSpec.version": (r"v?\d+\.\d+\.\d+", "a version, if the repository has it"),
    "LoadBalancerControllerSpec.values": (r"(?s).*", "the chart's own affair"),
    "WorkloadSpec.folder": (r"(?s).*", "a path, which the loader looks for"),
    "AlarmsSpec.thresholds": ("api-errors", "any threshold"),
    "ContainerLimitsSpec.default_limits": (r"cpu|[\d.]+(m|[KMGTPE]i)?", "a quantity"),
    "ContainerLimitsSpec.default_requests": (r"cpu|[\d.]+(m|[KMGTPE]i)?", "a quantity"),
    "ContainerLimitsSpec.max": (r"cpu|[\d.]+(m|[KMGTPE]i)?", "a quantity"),
    "SecurityGroupPolicySpec.name": (_NAME, "a name of Kubernetes"),
    "SecurityGroupPolicySpec.namespace": (_NAME, "a name of Kubernetes"),
    "SecurityGroupPolicySpec.pod_labels": (_LABEL, "a label"),
    "SecurityGroupPolicySpec.service_account_labels": (_LABEL, "a label"),
    "TeamSpec.argo_cd_groups": (r"[A-Za-z0-9][\w.:/@-]*", "the names of groups are the sign-in's own affair"),
    "TeamSpec.labels": (_LABEL, "a label"),
    "TeamSpec.name": (_NAME, "a name"),
    "TeamSpec.namespaces": (_NAME, "a name of Kubernetes"),
    "TeamSpec.quota": (r"requests\.cpu|[\d.]+(m|[KMGTPE]i)?", "a quantity of what Kubernetes counts"),
    "BackupSpec.vault": (r"[A-Za-z0-9_-]{2,50}", "a vault, if there is one of that name"),
    "PrometheusSpec.configuration": (r"(?s).*", "the scraper's own affair"),
    "ConnectionSpec.routes": (
        r"(100\.64|198\.18)\.0\.0/16|10\.0\.0\.0/(7|8|29)",
        "a network behind a gateway can have it",
    ),
    "ExistingNetworkSpec.endpoints": (r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", "an endpoint, if AWS has it"),
    "SecurityGroupRuleSpec.cidrs": (
        r"(100\.64|198\.18)\.0\.0/16|10\.0\.0\.0/(8|29)",
        "a network beside the VPC can have it",
    ),
    "SecurityGroupRuleSpec.description": (r"[A-Za-z0-9]([ -~]*[A-Za-z0-9.)])?", "a text"),
    "SecurityGroupRuleSpec.ports": (r"\d{1,5}", "a port"),
    "VpcEndpointSpec.allow": ("[!-~]+", "twice the same is once"),
    "VpcEndpointSpec.service": (r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", "an endpoint, if AWS has it"),
    "ClusterSpec.name": ("[A-Za-z][A-Za-z0-9-]*", "EKS takes it"),
    "ClusterSpec.workloads": (
        "[a-z0-9:/_.-]+",
        "the same twice is refused when they are placed: the namespace is taken",
    ),
    "ClusterSpec.provided_elsewhere": ("[a-z0-9][a-z0-9./-]*", "names that others gave"),
    "EndpointSpec.public_access_cidrs": (r"0\.0\.0\.0/0|10\.0\.0\.0/7", "allow_anywhere is set beside it"),
    "EndpointSpec.private_access_cidrs": (
        r"(100\.64|198\.18)\.0\.0/16|10\.0\.0\.0/(8|29)",
        "a network beside the VPC can have it",
    ),
    "Environment.name": ("[a-z][a-z0-9-]{0,23}", "a name"),
    "Environment.tags": (_TAGS, "a tag"),
    "ExistingNetworkSpec.cidr": (r"(100\.64|198\.18)\.0\.0/16", "a VPC can have it"),
    "FargateProfileSpec.name": (_NAME, "a name of Kubernetes"),
    "FargateSelectorSpec.labels": (_LABEL, "a label"),
    "FargateSelectorSpec.namespace": (
        "[a-z0-9*?]([a-z0-9*?-]*[a-z0-9*?])?",
        "a name with wildcards; the base has labels beside it",
    ),
    "HybridNodesSpec.remote_node_networks": (r"10\.0\.0\.0/29", "a private range, if the VPC is elsewhere"),
    "HybridNodesSpec.remote_pod_networks": (r"10\.0\.0\.0/29", "a private range, if the VPC is elsewhere"),
    "HybridNodesSpec.unrouted_pod_networks": (r"10\.0\.0\.0/8", "a private range, if the VPC is elsewhere"),
    "BgpSpec.peer_address": (r"10\.0\.0\.0", "an address, whoever has it"),
    "SiteSpec.labels": (_LABEL, "a label"),
    "SiteSpec.name": (_NAME, "a name"),
    "SiteSpec.nodes": (r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", "the name of a certificate, whoever has it"),
    "IamSpec.name_prefix": (r"[\w+=,.@-]{1,32}", "IAM takes it"),
    "IamSpec.path": ("/", "no path"),
    "NetworkSpec.cidr": (r"198\.18\.0\.0/16", "a VPC can have it"),
    "NetworkSpec.local_zone_cidr": (r"100\.64\.0\.0/16", "the carriers' range"),
    "NetworkSpec.pod_cidr": (r"100\.64\.0\.0/16", "the carriers' range"),
    "NewRoleSpec.new_role": (_NAME, "a name"),
    "NodeClassSpec.name": (_NAME, "a name of Kubernetes"),
    "NodeClassSpec.placement_group": (r"[\w.:/=+@#-]([\w .:/=+@#-]*[\w.:/=+@#-])?", "EC2 takes almost anything"),
    "NodeClassSpec.tags": (_TAGS, "a tag"),
    "NodeGroupSpec.revision": (_NAME, "a name of the stack beside the others"),
    "NodeGroupSpec.labels": (_LABEL, "a label"),
    "NodeGroupSpec.name": (_NAME, "a name"),
    "TaintSpec.key": (_LABEL, "a label's key"),
    "TaintSpec.value": (_LABEL, "a label's value"),
    "ArgoCdSpec.allow": ("[!-~]+", "twice the same is once"),
    "ArgoCdSpec.namespace": (_NAME, "a name of Kubernetes"),
    "ArgoCdSpec.policies": (r"[\w+=,.@/-]+", "a policy, if AWS has it"),
    "GitOpsSpec.credentials": (_NAME, "a name of Kubernetes"),
    "GitOpsSpec.hub": (_NAME, "a name of Kubernetes"),
    "GitOpsSpec.namespace": (_NAME, "a name of Kubernetes"),
    "GitOpsSpec.path": (r"[\w.-]+(/[\w.-]+)*", "a folder"),
    "GitOpsSpec.project": (_NAME, "a name of Kubernetes"),
    "GitOpsSpec.revision": (r"[\w./-]+", "a branch, if the repository has it"),
    "OverrideSpec.path": (r"[A-Za-z0-9][\w/.:-]+", "a path: whether a construct has it turns out later"),
    "OverrideSpec.property": ("[A-Z][A-Za-z0-9.]*", "a property: whether the resource has it turns out later"),
    "OverrideSpec.reason": ("[ -~]{10,300}", "a text"),
    "PodIdentitySpec.allow": ("[!-~]+", "twice the same is once"),
    "PodIdentitySpec.namespace": (_NAME, "a name of Kubernetes"),
    "PodIdentitySpec.policies": (r"[\w+=,.@/-]+", "a policy, if AWS has it"),
    "PodIdentitySpec.service_account": (_NAME, "a name of Kubernetes"),
    "PodIdentitySpec.session_policy": ("[!-~]+", "twice the same is once"),
    "RegistrySpec.mirror": (r"[a-z0-9-]+(\.[a-z0-9-]+)+(/[a-z0-9.]+)*", "a host, by its address or name, and a path"),
    "RegistrySpec.pull_through_cache": ("[a-z0-9._/-]{2,30}", "a prefix of Amazon ECR"),
    "WorkloadSpec.hostname": (r"[a-z0-9-]+(\.[a-z0-9-]+)+", "a name of the DNS, whoever has it"),
    "WorkloadSpec.name": (_NAME, "a folder in workloads/, if there is one of that name"),
    "WorkloadSpec.namespace": (_NAME, "a name of Kubernetes; the workload is refused in a namespace of the system"),
    "WorkloadSpec.nodes": (_NAME, "a group or pool, if there is one of that name"),
    "WorkloadSpec.variant": (_NAME, "a variant, if there is one of that name"),
}
"""By field: what every text in a value that it takes looks like, and why that is right. Numbers within the field's bounds, true and
false where they are meant, and what is the default anyway are right without a word."""


def is_right(model: type[BaseModel], name: str, value: Any) -> bool:
    field = model.model_fields[name]
    default = field.get_default(call_default_factory=True)
    if isinstance(default, BaseModel):
        default = {}
    if value is None or json.dumps(value) == json.dumps(default, default=str):
        return not field.is_required()
    if isinstance(value, bool):
        return bool in (field.annotation, *get_args(field.annotation))
    if isinstance(value, int):
        largest = {"cpu_limit": 10**7, "local_asn": 2**32, "peer_asn": 2**32}.get(name)
        return (int in _types(field.annotation) and abs(value) < 100_000) or bool(largest and 0 < value < largest)
    if value in ({}, [{}]):
        return True  # every key has a default
    shape = re.compile(RIGHT.get(f"{model.__name__}.{name}", ("(?!)", ""))[0])
    return all(shape.fullmatch(text) for text in _texts(value) if text)


def _types(annotation: Any) -> set[Any]:
    if get_args(annotation):
        return set().union(*(_types(one) for one in get_args(annotation)))
    return {annotation if isinstance(annotation, type) else type(annotation)}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from (key, *_texts(one))
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def wrong_values(model: type[BaseModel], name: str) -> list[Any]:
    """The odd values that a field takes, and with it the whole file, without a reason why they are right."""
    field = model.model_fields[name]
    number, where = places()[model, name][0]
    now = held(FILES[number], where)
    adapter = of_field(field)
    found: list[Any] = []
    for odd in tried(now, is_model=bool(models(field.annotation))):
        if is_right(model, name, odd) or json.dumps(odd) == json.dumps(now):
            continue
        try:
            adapter.validate_json(json.dumps(odd))
        except ValidationError:
            continue
        data = copy.deepcopy(FILES[number])
        held(data, where[:-1])[where[-1]] = odd
        if not refused(data):
            found.append(odd)
    return found


def test_every_field_has_a_value_to_be_tried_in_place_of() -> None:
    assert [f"{model.__name__}.{name}" for model, name in FIELDS if (model, name) not in places()] == []


@pytest.mark.parametrize("model", sorted({model for model, _ in FIELDS}, key=str), ids=lambda model: model.__name__)
def test_odd_values_are_refused_or_right(model: type[BaseModel]) -> None:
    wrong = {name: values for one, name in FIELDS if one is model and (values := wrong_values(model, name))}
    assert wrong == {}


def test_every_number_has_both_bounds() -> None:
    """A number without end is a disk of 10^30 GiB."""
    unbounded = []
    for model, name in FIELDS:
        for number in (10**18, -(10**18)):
            try:
                of_field(model.model_fields[name]).validate_json(str(number))
            except ValidationError:
                continue
            unbounded.append(f"{model.__name__}.{name}")
    assert unbounded == []
