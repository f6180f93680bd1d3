"""Rules for add-ons, access entries and Pod Identity."""

import re
from collections.abc import Iterator

import yaml
from jsonschema import Draft7Validator

from eks_facts.addons import addon_settings, addons, meant_addon
from eks_facts.iam_words import access_policies
from emulator.engine.eks.rules.table import API, GUIDE, IN_USE, REQUEST, Call, role_problem, rule


def offered(name: str) -> bool:
    """Whether EKS may offer an add-on: those of the catalog, and any other that is not nearly one of them."""
    return name in addons() or (
        re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,98}[a-z0-9]", name) is not None and not meant_addon(name)
    )


@rule("CreateAddon", page=f"{GUIDE}workloads-add-ons-available-eks.html")
def addon_offered(call: Call) -> Iterator[str]:
    """Add-ons that EKS offers, as far as that is known here: a name that is nearly one of the catalog's is refused."""
    if not offered(str(call.get("addonName"))):
        yield f"Addon {call.get('addonName')} specified is not supported"


@rule("CreateAddon", "UpdateAddon", page=f"{API}API_DescribeAddonConfiguration.html")
def addon_settings_fit(call: Call) -> Iterator[str]:
    """Settings of an add-on are those of its schema, as far as it is known here."""
    schema = addon_settings().get(call.get("addonName") or "")
    text = call.get("configurationValues")
    if not schema or not text:
        return
    try:
        settings = yaml.safe_load(text)
    except yaml.YAMLError:
        yield "ConfigurationValue provided in request is not supported: it is neither JSON nor YAML"
        return
    errors = [
        f"$.{'.'.join(str(step) for step in error.path)}: {error.message}"
        for error in Draft7Validator(schema).iter_errors(settings)
        if error.validator != "additionalProperties" or schema.get("x-whole")
    ]
    if errors:
        yield f"ConfigurationValue provided in request is not supported: Json schema validation failed with error: [{', '.join(errors)}]"


@rule("CreateAccessEntry", "AssociateAccessPolicy", page=f"{GUIDE}setting-up-access-entries.html", code=REQUEST)
def access_entries_on(call: Call) -> Iterator[str]:
    """The cluster's authentication mode has access entries."""
    if call.cluster["accessConfig"]["authenticationMode"] == "CONFIG_MAP":
        yield "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation."


@rule("AssociateAccessPolicy", page=f"{GUIDE}access-policy-permissions.html")
def access_policy_exists(call: Call) -> Iterator[str]:
    """EKS's own access policies; a scope of namespaces names some."""
    arn = str(call.get("policyArn"))
    named = re.fullmatch(r"arn:aws[a-z-]*:eks::aws:cluster-access-policy/(\w+)", arn)
    if not named:
        yield f"The policyArn parameter format is not valid: {arn}"
    elif named[1] not in access_policies():
        yield f"The specified policyArn could not be found: {arn}"
    scope = call.get("accessScope") or {}
    if (scope.get("type") == "namespace") != bool(scope.get("namespaces")):
        yield "The namespaces of an access scope belong to type namespace, and that type needs them."


@rule("CreatePodIdentityAssociation", page=f"{GUIDE}pod-id-association.html", code=IN_USE)
def one_association(call: Call) -> Iterator[str]:
    """A service account has one association."""
    for found in call.state.of("podIdentityAssociation", call.cluster_name):
        if (found["namespace"], found["serviceAccount"]) == (call.get("namespace"), call.get("serviceAccount")):
            yield f"Association already exists: {found['associationId']}"


@rule(
    "CreatePodIdentityAssociation",
    "UpdatePodIdentityAssociation",
    "CreateAddon",
    "UpdateAddon",
    page=f"{GUIDE}pod-id-role.html",
)
def pod_role_assumable(call: Call) -> Iterator[str]:
    """EKS Pod Identity can assume a pod's role, with sts:TagSession."""
    arns = [call.get("roleArn")] if "PodIdentity" in call.operation else []
    arns += [entry.get("roleArn") for entry in call.get("podIdentityAssociations") or []]
    for arn in arns:
        if arn and (problem := role_problem(call, arn, "pods.eks.amazonaws.com", "sts:AssumeRole", "sts:TagSession")):
            yield problem


@rule(
    "CreatePodIdentityAssociation",
    "UpdatePodIdentityAssociation",
    page="https://docs.aws.amazon.com/eks/latest/APIReference/API_CreatePodIdentityAssociation.html",
)
def policy_without_tags(call: Call) -> Iterator[str]:
    """A session policy goes without session tags."""
    if call.get("policy") and not call.get("disableSessionTags"):
        yield "When using policy, disableSessionTags must be set to true."


@rule("CreateAccessEntry", page=f"{GUIDE}creating-access-entries.html")
def principal_exists(call: Call) -> Iterator[str]:
    """The principal of an access entry exists."""
    arn = str(call.get("principalArn"))
    if ":sts:" in arn or not call.account.principal_exists(arn):
        yield "The specified principalArn is invalid: invalid principal."
