"""Whether a pod gets the role that it is to have: its trust policy, judged with the request that EKS or the pod would make."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from emulator.engine import port
from emulator.engine.account import Account
from emulator.engine.eks.lookups import as_list
from emulator.engine.eks.state import State
from emulator.engine.kubernetes.attaching import Attaching
from emulator.engine.kubernetes.table import GUIDE, simulated
from local_kubernetes.client import ApiError, Client
from local_kubernetes.nodes.node import COMPUTE_TYPE

Object = Mapping[str, Any]

ROLE = "eks.amazonaws.com/role-arn"
AUDIENCE = "eks.amazonaws.com/audience"
AGENT = "eks-pod-identity-agent"
SERVICE = "pods.eks.amazonaws.com"
DENIED = (
    "An error occurred (AccessDeniedException) when calling the AssumeRoleForPodIdentity operation:"
    " Unauthorized Exception! EKS does not have permissions to assume the associated role."
)


class Identity:
    """The identities of one cluster's pods: local_kubernetes.nodes.kubelet.Hooks."""

    def __init__(self, state: State, account: Account, cluster: str, client: Client) -> None:
        """Reads EKS's records, the account's roles, and the cluster's service accounts."""
        self._state, self._account, self._cluster, self._client = state, account, cluster, client
        self._attaching = Attaching(state, account, cluster, client)

    def pod_start(self, pod: Object, node: Object) -> str:
        """Returns why a pod gets no volume, or its programs no credentials, in the words of who refuses; empty: all is well."""
        return self._attaching.problem(pod, node) or self._credentials(pod, node)

    def _credentials(self, pod: Object, node: Object) -> str:
        namespace, name = pod["metadata"]["namespace"], pod["spec"].get("serviceAccountName", "default")
        for association in self._state.of("podIdentityAssociation", self._cluster):
            if (association["namespace"], association["serviceAccount"]) == (namespace, name):
                return self.pod_identity(pod, node, association)
        annotations: Mapping[str, str] = {}
        with suppress(ApiError):  # it is gone meanwhile
            account = self._client.get(f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}")
            annotations = account["metadata"].get("annotations") or {}
        return self.web_identity(annotations, namespace, name) if ROLE in annotations else ""

    @simulated(f"{GUIDE}pod-identities.html", "Pod")
    def pod_identity(self, pod: Object, node: Object, association: Object) -> str:
        """EKS Pod Identity assumes the associated role with the cluster, namespace, service account and pod as session tags."""
        compute = (node.get("metadata", {}).get("labels") or {}).get(COMPUTE_TYPE)
        if compute in ("fargate", "hybrid") and not (compute == "hybrid" and self._has_agent()):
            return "EKS Pod Identity does not run on Fargate: 169.254.170.23 does not answer, and the pod has no credentials"
        if compute != "auto" and not self._has_agent():
            return f"169.254.170.23 does not answer: the cluster has no add-on {AGENT}, and the pod has no credentials"
        cluster = self._state.clusters[self._cluster]
        metadata = pod["metadata"]
        tags = {
            "eks-cluster-arn": cluster["arn"],
            "eks-cluster-name": self._cluster,
            "kubernetes-namespace": metadata["namespace"],
            "kubernetes-service-account": association["serviceAccount"],
            "kubernetes-pod-name": metadata["name"],
            "kubernetes-pod-uid": metadata["uid"],
        }
        if association.get("disableSessionTags"):
            tags = {}
        keys = {f"aws:requesttag/{key}": value for key, value in tags.items()}
        keys |= {"aws:sourcearn": cluster["arn"], "aws:sourceaccount": self._state.account, "aws:tagkeys": list(tags)}
        actions = ("sts:AssumeRole", "sts:TagSession") if tags else ("sts:AssumeRole",)
        return "" if self._trusts(association["roleArn"], "Service", SERVICE, actions, keys) else DENIED

    @simulated(f"{GUIDE}iam-roles-for-service-accounts.html", "Pod")
    def web_identity(self, annotations: Mapping[str, str], namespace: str, name: str) -> str:
        """A service account's token is exchanged for its role: the account knows the cluster's OIDC provider, and the role trusts it."""
        issuer = self._state.clusters[self._cluster]["identity"]["oidc"]["issuer"]
        role, audience = annotations[ROLE], annotations.get(AUDIENCE, "sts.amazonaws.com")
        host = issuer.removeprefix("https://")
        provider = f"arn:aws:iam::{self._state.account}:oidc-provider/{host}"
        operation = "when calling the AssumeRoleWithWebIdentity operation:"
        audiences = self._account.audiences(provider)
        if audiences is None:
            return f"An error occurred (InvalidIdentityToken) {operation} No OpenIDConnect provider found in your account for {issuer}"
        if audience not in audiences:
            return f"An error occurred (InvalidIdentityToken) {operation} Incorrect token audience"
        keys = {f"{host}:aud".lower(): audience, f"{host}:sub".lower(): f"system:serviceaccount:{namespace}:{name}"}
        if self._trusts(role, "Federated", provider, ("sts:AssumeRoleWithWebIdentity",), keys):
            return ""
        return f"An error occurred (AccessDenied) {operation} Not authorized to perform sts:AssumeRoleWithWebIdentity"

    def _has_agent(self) -> bool:
        return ("addon", self._cluster, AGENT) in self._state.children

    def _trusts(self, arn: str, kind: str, principal: str, actions: tuple[str, ...], keys: Mapping[str, Any]) -> bool:
        """Returns whether a role's trust policy allows a principal all of some actions, for a request with these condition keys."""
        role = self._account.role(arn)
        return role is not None and all(
            any(_effects(role.trust, kind, principal, action, keys))
            and all(_effects(role.trust, kind, principal, action, keys))
            for action in actions
        )


def _effects(trust: Object, kind: str, principal: str, action: str, keys: Mapping[str, Any]) -> Iterator[bool]:
    """Yields, for each statement of a trust policy that is about a request, whether it allows it."""
    context = port.EvalContext(
        principal_arn="",
        principal_type="",
        principal_account="",
        action=action,
        resource_arn="*",
        region="",
        service_context=dict(keys),
    )
    for statement in as_list(trust.get("Statement")):
        named = statement.get("Principal")
        named = named if isinstance(named, Mapping) else {kind: named}  # "*": everybody
        if not {principal, "*"} & set(as_list(named.get(kind))):
            continue
        if not {action.lower(), "sts:*", "*"} & {str(one).lower() for one in as_list(statement.get("Action"))}:
            continue
        if port.conditions_met(statement.get("Condition") or {}, context):
            yield statement.get("Effect") == "Allow"
