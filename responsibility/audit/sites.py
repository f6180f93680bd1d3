"""How machines outside of AWS get credentials: activations of Systems Manager, and Roles Anywhere, where a cluster has hybrid nodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from responsibility.audit.questions import UNLISTED, Questions
from responsibility.reading.resource import Resource
from responsibility.reading.values import Unknown

_ACTIVATIONS = ("ssm", "describe_activations")
_ANCHORS, _PROFILES = ("rolesanywhere", "list_trust_anchors"), ("rolesanywhere", "list_profiles")


def read_sites(ask: Questions, resources: list[Resource]) -> Iterator[Resource]:
    """Yields them; nothing is asked where no cluster has remote networks. ``resources`` are clusters and what belongs to them."""
    clusters = {
        r.id for r in resources if r.type == "AWS::EKS::Cluster" and r.maybe("RemoteNetworkConfig.RemoteNodeNetworks")
    }
    if not clusters:
        return
    roles = {
        str(entry.maybe("PrincipalArn")).rsplit("/", 1)[-1]: str(entry.belongs_to)
        for entry in resources
        if entry.type == "AWS::EKS::AccessEntry"
        and entry.belongs_to in clusters
        and entry.maybe("Type") == "HYBRID_LINUX"
    }
    yield from _activations(ask, roles, clusters)
    for kind, call, key, identity in (
        ("AWS::RolesAnywhere::TrustAnchor", _ANCHORS, "trustAnchors", "trustAnchorArn"),
        ("AWS::RolesAnywhere::Profile", _PROFILES, "profiles", "profileArn"),
    ):
        found = ask.items(*call, key)
        if isinstance(found, Unknown):
            yield ask.resource(kind, f"{key}/{UNLISTED}", found, call=call)
            continue
        for one in found:
            yield ask.resource(kind, one[identity], {**_properties(one), "Arn": one[identity]}, call=call)


def _activations(ask: Questions, roles: dict[str, str], clusters: set[str]) -> Iterator[Resource]:
    found = ask.items(*_ACTIVATIONS, "ActivationList")
    if isinstance(found, Unknown):
        for name in clusters:
            yield ask.resource(
                "SSM::Activation", f"{name}/activation/{UNLISTED}", found, call=_ACTIVATIONS, cluster=name
            )
        return
    for one in found:
        if cluster := roles.get(one.get("IamRole", "")):
            yield ask.resource("SSM::Activation", one["ActivationId"], one, call=_ACTIVATIONS, cluster=cluster)


def _properties(answer: dict[str, Any]) -> dict[str, Any]:
    """Returns CloudFormation's properties of a trust anchor or a profile."""
    source = answer.get("source")
    properties: dict[str, Any] = {
        key: answer.get(member)
        for key, member in (
            ("Name", "name"),
            ("Enabled", "enabled"),
            ("RoleArns", "roleArns"),
            ("AcceptRoleSessionName", "acceptRoleSessionName"),
            ("DurationSeconds", "durationSeconds"),
        )
        if answer.get(member) is not None
    }
    if source:
        data = source.get("sourceData") or {}
        properties["Source"] = {
            "SourceType": source.get("sourceType"),
            "SourceData": {
                "X509CertificateData": data.get("x509CertificateData"),
                "AcmPcaArn": data.get("acmPcaArn"),
            },
        }
    return properties
