"""The one module that knows ministack's names, most of which are private and move between its releases.

The rest of the emulator writes ``port.subnets`` where ministack says ``ministack.services.ec2._subnets``, and replaces a function
of ministack with ``port.replace()``. Each name is looked up when it is used, because ministack reads its settings from the
environment when it is imported.

After an update of ministack, tests/emulator/engine/test_port.py says which of these names moved or take other arguments.
"""

import importlib
import inspect
import json
from collections.abc import Callable
from typing import Any

_CLOUDFORMATION = "services.cloudformation."

NAMES = {
    # The application
    "app": "app:app",
    "main": "app:main",
    "account_id": "core.responses:get_account_id",
    "region": "core.responses:get_region",
    "set_request_account_id": "core.responses:set_request_account_id",
    "uses_tls": "core.tls:use_ssl_enabled",
    "tls_material": "core.tls:resolve_tls_material",
    # Signatures and keys
    "account_of_key": "app:_request_account_scope",
    "credential_failure": "app:_credential_failure",
    "resolve_credential": "core.iam_evaluator:resolve_credential",
    "is_root_access_key": "core.iam_evaluator:is_root_access_key",
    "AmbiguousAccessKeyError": "core.iam_evaluator:AmbiguousAccessKeyError",
    "AuthError": "core.iam_evaluator:AuthError",
    "EvalContext": "core.iam_evaluator:EvalContext",
    "conditions_met": "core.iam_evaluator:_conditions_met",
    "CredentialResolutionError": "core.iam_evaluator:CredentialResolutionError",
    "UNSIGNED_PAYLOAD": "core.sigv4:UNSIGNED_PAYLOAD",
    "decode_header_value": "core.sigv4:decode_header_value",
    "header_signature_failure": "core.sigv4:header_signature_failure",
    "parse_header_signature": "core.sigv4:parse_header_signature",
    "parse_query_signature": "core.sigv4:parse_query_signature",
    "presigned_request_is_expired": "core.sigv4:presigned_request_is_expired",
    "request_time_failure": "core.sigv4:request_time_failure",
    # CloudFormation
    "apply_ec2_tags": _CLOUDFORMATION + "provisioners:_ec2_apply_tags",
    "custom_names": _CLOUDFORMATION + "provisioners:_CUSTOM_NAME_REPLACEMENT",
    "pending_custom_resources": _CLOUDFORMATION + "custom_resource:_pending",
    "stacks": "services.cloudformation:_stacks",
    "physical_name": _CLOUDFORMATION + "provisioners:_physical_name",
    "replacing_properties": _CLOUDFORMATION + "provisioners:_REPLACING_PROPERTIES",
    "resolve_references": _CLOUDFORMATION + "engine:_resolve_refs",
    "resource_handlers": _CLOUDFORMATION + "provisioners:_RESOURCE_HANDLERS",
    "security_group_permissions": _CLOUDFORMATION + "provisioners:_ec2_sg_permissions",
    "stack_tag_properties": _CLOUDFORMATION + "provisioners:_STACK_TAG_PROPERTY",
    # EC2
    "addresses": "services.ec2:_addresses",
    "ec2_answer": "services.ec2:_xml",
    "ec2_error": "services.ec2:_error",
    "ec2_operations": "services.ec2:_ACTION_MAP",
    "ec2_tags": "services.ec2:_tags",
    "egress_only_gateways": "services.ec2:_egress_igws",
    "flow_logs": "services.ec2:_flow_logs",
    "instance_profile_of_instance": "services.ec2:_resolve_iam_instance_profile",
    "instances": "services.ec2:_instances",
    "internet_gateways": "services.ec2:_internet_gateways",
    "launch_instances": "services.ec2:_launch_instances_internal",
    "launch_templates": "services.ec2:_launch_templates",
    "nat_gateways": "services.ec2:_nat_gateways",
    "network_interfaces": "services.ec2:_network_interfaces",
    "new_security_group_id": "services.ec2:_new_sg_id",
    "random_address": "services.ec2:_random_ip",
    "route_tables": "services.ec2:_route_tables",
    "security_group_rule_id": "services.ec2:_sg_rule_id",
    "security_groups": "services.ec2:_security_groups",
    "subnets": "services.ec2:_subnets",
    "volumes": "services.ec2:_volumes",
    "vpn_gateways": "services.ec2:_vpn_gateways",
    "vpc_endpoints": "services.ec2:_vpc_endpoints",
    "vpcs": "services.ec2:_vpcs",
    # IAM, STS, KMS
    "aws_managed_policies": "services.iam:_aws_managed_policies",
    "create_instance_profile": "services.iam:_create_instance_profile",
    "iam_now": "services.iam:_now",
    "instance_profiles": "services.iam:_instance_profiles",
    "kms_keys": "services.kms:_keys",
    "oidc_providers": "services.iam:_oidc_providers",
    "policies": "services.iam:_policies",
    "register_session": "services.sts:register_session",
    "roles": "services.iam:_roles",
    "users": "services.iam:_users",
    # Log delivery
    "create_delivery": "services.cloudwatch_logs:_create_delivery",
    "delete_delivery": "services.cloudwatch_logs:_delete_delivery",
    "delete_delivery_destination": "services.cloudwatch_logs:_delete_delivery_destination",
    "delete_delivery_source": "services.cloudwatch_logs:_delete_delivery_source",
    "put_delivery_destination": "services.cloudwatch_logs:_put_delivery_destination",
    "put_delivery_source": "services.cloudwatch_logs:_put_delivery_source",
    # EC2 Auto Scaling
    "reconcile_group": "services.autoscaling:_reconcile_instances",
    "autoscaling_groups": "services.autoscaling:_asgs",
    "autoscaling_hooks": "services.autoscaling:_hooks",
    "autoscaling_operations": "services.autoscaling:_ACTION_MAP",
    # Requests to a service that ministack lacks
    "action_prefixes": "core.iam_actions:SERVICE_TO_IAM_NAMESPACE",
    "rest_models": "core.iam_actions:_BOTOCORE_SERVICE_MAP",
    "service_handlers": "app:SERVICE_HANDLERS",
    "service_patterns": "core.router:SERVICE_PATTERNS",
    # Others
    "functions": "services.lambda_svc:_functions",
    "log_groups": "services.cloudwatch_logs:_log_groups",
    "public_parameters": "services.ssm:_PUBLIC_AMI_PARAMETERS",
}
"""What the emulator reads, calls or adds to: our name, and where ministack has it."""

REPLACED = {
    "answer_eks": ("services.eks:_handle_request_sync",),
    "answer_lambda": ("services.lambda_svc:handle_request",),
    "answer_ssm": ("services.ssm:handle_request",),
    "application": ("app:app",),
    "arn_of_request": ("core.iam_actions:extract_resource_arn",),
    "evaluate_conditions": tuple(
        f"{_CLOUDFORMATION}{module}:_evaluate_conditions" for module in ("engine", "stacks", "changesets", "handlers")
    ),
    "execution_credentials": ("core.lambda_runtime:execution_credentials",),
    "lambda_programs": ("core.lambda_runtime:subprocess",),
    "make_tls_material": ("core.tls:resolve_tls_material",),
    "parameters_of_aws": ("services.ssm:_PUBLIC_AMI_PARAMETERS",),
    "port_is_free": ("app:_port_is_bindable",),
    "provision": tuple(f"{_CLOUDFORMATION}{module}:_provision_resource" for module in ("provisioners", "stacks")),
    "replacing_change": tuple(f"{_CLOUDFORMATION}{module}:_replacing_change" for module in ("provisioners", "stacks")),
    "runs_on_worker_thread": (_CLOUDFORMATION + "stacks:_runs_on_worker_thread",),
    "start_provided_worker": ("core.lambda_runtime:ProvidedWorker._spawn",),
    "start_worker": ("core.lambda_runtime:Worker._spawn",),
    "xml_of_instance": ("services.ec2:_instance_xml",),
    "xml_of_subnet": ("services.ec2:_subnet_fields_xml",),
    "xml_of_vpc": ("services.ec2:_vpc_fields_xml",),
}
"""What the emulator replaces: our name, and every module that has imported it from the first one."""


def __getattr__(name: str) -> Any:
    """Returns what ministack has under one of NAMES. Raises AttributeError: it is not one of them, or ministack has it no more."""
    if name not in NAMES:
        raise AttributeError(f"emulator.engine.port has no {name}")
    owner, attribute = _owner(NAMES[name])
    return getattr(owner, attribute)


def replace(name: str, replacement: Callable[[Any], Any]) -> None:
    """Replaces one of REPLACED everywhere; ``replacement`` gets what was there and returns what takes its place."""
    places = [_owner(place) for place in REPLACED[name]]
    new = replacement(getattr(*places[0]))
    for owner, attribute in places:
        getattr(owner, attribute)  # one that moved must not be replaced in vain
        setattr(owner, attribute, new)


def contract() -> dict[str, str]:
    """Returns, for each place in ministack, the arguments of the function there, the kind of value, or ``gone``."""
    places = [*NAMES.values(), *(place for several in REPLACED.values() for place in several)]
    return {place: _described(place) for place in sorted(places)}


def _described(place: str) -> str:
    try:
        value = getattr(*_owner(place))
    except (ImportError, AttributeError):
        return "gone"
    return f"({', '.join(inspect.signature(value).parameters)})" if inspect.isroutine(value) else type(value).__name__


def _owner(place: str) -> tuple[Any, str]:
    """Returns the module or class of a place such as ``core.lambda_runtime:Worker._spawn``, and the name in it."""
    module, _, path = place.partition(":")
    owner: Any = importlib.import_module(f"ministack.{module}")
    *classes, attribute = path.split(".")
    for name in classes:
        owner = getattr(owner, name)
    return owner, attribute


if __name__ == "__main__":
    print(json.dumps(contract(), indent=1))
