"""Whether the EBS CSI driver may attach the volumes of a pod: its role's policies, judged by the tags of volume and instance."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import Any

from eks_facts.files import load
from emulator.engine import port
from emulator.engine.account import Account
from emulator.engine.autoscaling import instance_tags
from emulator.engine.eks.lookups import Role, as_list
from emulator.engine.eks.state import State
from emulator.engine.kubernetes.table import simulated
from local_kubernetes.client import ApiError, Client
from local_kubernetes.nodes.node import KIND, POOL

Object = Mapping[str, Any]
DRIVER, ADDON, ACCOUNT = "ebs.csi.aws.com", "aws-ebs-csi-driver", "ebs-csi-controller-sa"
_ACTION = "ec2:AttachVolume"
_CLUSTER, _OF_ANY_CLUSTER, _CLAIM = f"{DRIVER}/cluster-name", f"{DRIVER}/cluster", "kubernetes.io/created-for/pvc/name"
_OF_MANAGED_NODES, _PRINCIPAL = "eks:cluster-name", "eks-cluster-name"
_TAGS_THE_CLUSTER = (1, 58)
"""The first version of the driver that tags what it makes with the cluster's name (aws-ebs-csi-driver pull 2899)."""
_REFERENCE = "https://docs.aws.amazon.com/aws-managed-policy/latest/reference/"


def _allow(resource: str, operator: str = "StringEquals", **tags: str) -> Object:
    conditions = {operator: {f"ec2:ResourceTag/{key}": value for key, value in tags.items()}} if tags else {}
    return {"Effect": "Allow", "Action": _ACTION, "Resource": f"arn:aws:ec2:*:*:{resource}/*", "Condition": conditions}


_MINE = f"${{aws:PrincipalTag/{_PRINCIPAL}}}"
_AWS: Mapping[str, list[Object]] = {
    # What AWS's own policies say of attaching: the pages of _REFERENCE, by their names. Read were v15 (2026-05-13) of the first
    # and v1 (2026-04-16) of the two after it.
    "AmazonEBSCSIDriverPolicy": [_allow("volume"), _allow("instance")],
    "AmazonEBSCSIDriverPolicyV2": [
        _allow("volume", **{_OF_ANY_CLUSTER: "true"}), _allow("volume", "StringLike", **{_CLAIM: "*"}), _allow("instance"),
    ],
    "AmazonEBSCSIDriverEKSClusterScopedPolicy": [
        _allow("volume", **{_CLUSTER: _MINE}), _allow("instance", **{_OF_MANAGED_NODES: _MINE}), _allow("instance", **{_CLUSTER: _MINE}),
    ],
    "AmazonEKSClusterPolicy": [_allow("volume"), _allow("instance")],
}  # fmt: skip


class Attaching:
    """The EBS CSI driver of one cluster."""

    def __init__(self, state: State, account: Account, cluster: str, client: Client) -> None:
        """Reads EKS's records, the account's roles, and the cluster's objects."""
        self._state, self._account, self._cluster, self._client = state, account, cluster, client

    @simulated(f"{_REFERENCE}AmazonEBSCSIDriverEKSClusterScopedPolicy.html", "PersistentVolume")
    def problem(self, pod: Object, node: Object) -> str:
        """The EBS CSI driver attaches a volume as far as its role's policies allow it for the tags of volume and instance."""
        labels = node.get("metadata", {}).get("labels") or {}
        volumes = list(self._volumes(pod)) if labels.get(KIND) != "auto_mode" else []
        if not volumes or (found := self._role()) is None:
            return ""
        role, tags = found
        statements = list(_statements(role))
        instance = self._instance_tags(labels)
        if None in statements or instance is None:
            return ""  # a policy of AWS that is not read here, or nodes whose tags nobody knows
        machine = str(node.get("spec", {}).get("providerID", "")).rpartition("/")[2]
        for volume in volumes:
            identity = str(volume["spec"]["csi"]["volumeHandle"])
            asked = (("volume", identity, self._volume_tags(volume)), ("instance", machine, instance))
            if not all(_allowed(statements, kind, name, of, tags) for kind, name, of in asked):
                return (
                    f'AttachVolume.Attach failed for volume "{volume["metadata"]["name"]}" : rpc error: code = Internal desc = Could'
                    f' not attach volume "{identity}" to node "{machine}": operation error EC2: AttachVolume, https response error'
                    " StatusCode: 403, api error UnauthorizedOperation: You are not authorized to perform this operation."
                )
        return ""

    def _volumes(self, pod: Object) -> Iterator[Object]:
        """Yields the driver's volumes of a pod."""
        namespace = pod["metadata"]["namespace"]
        for one in pod["spec"].get("volumes") or []:
            name = (one.get("persistentVolumeClaim") or {}).get("claimName")
            name = name or (f"{pod['metadata']['name']}-{one['name']}" if "ephemeral" in one else "")
            if name:
                with suppress(ApiError):  # it is gone meanwhile
                    claim = self._client.get(f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}")
                    volume = self._client.get(f"/api/v1/persistentvolumes/{claim['spec'].get('volumeName', '')}")
                    if (volume.get("spec", {}).get("csi") or {}).get("driver") == DRIVER:
                        yield volume

    def _role(self) -> tuple[Role, Mapping[str, str]] | None:
        """Returns the role that the driver calls EC2 with, and its principal tags; None: nobody knows it."""
        addon = self._state.children.get(("addon", self._cluster, ADDON)) or {}
        for one in self._state.of("podIdentityAssociation", self._cluster):
            if (one["namespace"], one["serviceAccount"]) == ("kube-system", ACCOUNT):
                session = {} if one.get("disableSessionTags") else {_PRINCIPAL: self._cluster}
                role = self._account.role(one["roleArn"])
                return (role, {**role.tags, **session}) if role else None
        arns = [addon["serviceAccountRoleArn"]] if addon.get("serviceAccountRoleArn") else []
        # Without a role of its own it takes that of the node it is on.
        arns = arns or sorted({one["nodeRole"] for one in self._state.of("nodegroup", self._cluster)})
        role = self._account.role(arns[0]) if len(arns) == 1 else None
        return (role, role.tags) if role else None

    def _volume_tags(self, volume: Object) -> Mapping[str, str]:
        """Returns the tags that the driver gives what it makes, or those of a volume that somebody else made."""
        annotations = volume["metadata"].get("annotations") or {}
        if annotations.get("pv.kubernetes.io/provisioned-by") != DRIVER:
            return {tag["Key"]: tag["Value"] for tag in port.ec2_tags.get(volume["spec"]["csi"]["volumeHandle"], [])}
        addon = self._state.children.get(("addon", self._cluster, ADDON)) or {}
        version = tuple(int(one) for one in re.findall(r"\d+", str(addon.get("addonVersion", "")))[:2])
        named = {_CLUSTER: self._cluster} if version >= _TAGS_THE_CLUSTER else {}
        return {_OF_ANY_CLUSTER: "true", **named}

    def _instance_tags(self, labels: Mapping[str, str]) -> Mapping[str, str] | None:
        """Returns the tags of the instance behind a node, as far as they matter; None: nobody knows them."""
        if labels.get(KIND) == "managed_nodes":
            return {_OF_MANAGED_NODES: self._cluster}
        if labels.get(KIND) == "karpenter":
            with suppress(ApiError, KeyError):
                pool = self._client.get(f"/apis/karpenter.sh/v1/nodepools/{labels[POOL]}")
                name = pool["spec"]["template"]["spec"]["nodeClassRef"]["name"]
                node_class = self._client.get(f"/apis/karpenter.k8s.aws/v1/ec2nodeclasses/{name}")
                return dict(node_class["spec"].get("tags") or {})
        if labels.get(KIND) == "self_managed_nodes":
            found = list(instance_tags(self._cluster))
            return found[0] if found and all(one == found[0] for one in found) else None
        return None


def _statements(role: Role) -> Iterator[Object | None]:
    """Yields the statements of a role's policies; None: there is one that is not read here."""
    known = load("managed_policies")
    for arn in role.policies:
        name = arn.rpartition("/")[2]
        if arn.split(":")[4] != "aws":
            yield from (_document(port.policies.get(arn)) if port.policies.get(arn) else [None])
        elif name in _AWS:
            yield from _AWS[name]
        elif name in known["administrators"] or not any(key.rpartition("/")[2] == name for key in known["policies"]):
            yield None
    for inline in role.inline:
        yield from as_list(inline.get("Statement"))


def _document(policy: Object | None) -> list[Object]:
    text = (policy or {})["Versions"][(policy or {})["DefaultVersionId"]]["Document"]
    return as_list((json.loads(text) if isinstance(text, str) else text).get("Statement"))


def _allowed(
    statements: list[Object | None], kind: str, name: str, tags: Mapping[str, str], principal: Mapping[str, str]
) -> bool:
    """Returns whether statements allow to attach, as far as one of the two resources goes."""
    keys = {f"ec2:resourcetag/{key}".lower(): value for key, value in tags.items()}
    keys |= {f"aws:resourcetag/{key}".lower(): value for key, value in tags.items()}
    arn = f"arn:aws:ec2:region:account:{kind}/{name}"
    context = port.EvalContext(
        principal_arn="", principal_type="", principal_account="", action=_ACTION, resource_arn=arn, region="", service_context=keys
    )  # fmt: skip
    effects = []
    for one in statements:
        if one is None or not _about(one, kind):
            continue
        text = re.sub(
            r"\$\{aws:PrincipalTag/([^}]+)\}",
            # A tag that the principal lacks matches nothing.
            lambda found: principal.get(found[1], "\\u0000"),
            json.dumps(one.get("Condition") or {}),
        )
        if port.conditions_met(json.loads(text), context):
            effects.append(one.get("Effect"))
    return "Allow" in effects and "Deny" not in effects


def _about(statement: Object, kind: str) -> bool:
    """Returns whether a statement is about attaching this kind of resource."""
    actions = [str(one).lower() for one in as_list(statement.get("Action"))]
    resources = [str(one) for one in as_list(statement.get("Resource"))]
    of_kind = [one for one in resources if one == "*" or (one.startswith("arn:") and fnmatchcase(kind, _kind(one)))]
    return any(fnmatchcase(_ACTION.lower(), one) for one in actions) and bool(of_kind)


def _kind(arn: str) -> str:
    return arn.split(":", 5)[-1].partition("/")[0]
