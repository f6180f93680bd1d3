"""The front door: a whole cluster in one construct. Each part of it is an attribute, and a construct of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

from constructs import Construct, IDependable

from eks_constructs.access import Access
from eks_constructs.addons import Addons
from eks_constructs.capabilities import Capabilities
from eks_constructs.certificate_authority import add_successor
from eks_constructs.cluster_compute import add_compute, add_late_addons
from eks_constructs.cluster_foundation import ClusterFoundation, keep, lasting_resources
from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.cluster_spec import EksClusterSpec
from eks_constructs.compute.devices import plugin_charts
from eks_constructs.compute.kind import Wiring
from eks_constructs.compute.registry import KINDS
from eks_constructs.construct_ids import pascal_case
from eks_constructs.control_plane import AutoModeSettings, ControlPlane
from eks_constructs.endpoint import https_from, open_endpoint
from eks_constructs.identity import OidcProvider, trust_tokens
from eks_constructs.manifests import HelmChart, ManifestFile
from eks_constructs.roles import IamSpec
from eks_constructs.security_group_rules import add_rules
from eks_constructs.tunnel_host import TunnelHost

CONTROL_PLANE_ID = "Cluster"
"""Id of the control plane; directly below a stack also the logical id of the cluster."""
OIDC_PROVIDER_ID = "OidcProvider"
"""Id of IAM's trust in the cluster's tokens; directly below a stack also its logical id."""
MadeByKind = TypeVar("MadeByKind", bound=Construct)


def add_control_plane(
    scope: Construct, spec: EksClusterSpec, *, network: ClusterNetwork, foundation: ClusterFoundation
) -> ControlPlane:
    """Makes the half of a cluster that AWS runs, directly below ``scope``."""
    settings = [kind.auto_mode(section, foundation.lasting) for kind, section in spec.compute.active()]
    return ControlPlane(
        scope,
        CONTROL_PLANE_ID,
        spec.control_plane,
        name=spec.name,
        network=network,
        role_arn=foundation.role_arn,
        kms_key_arn=foundation.kms_key_arn,
        auto_mode=next(filter(None, settings), AutoModeSettings()),
        remote=spec.compute.remote_networks,
    )


class AccessParts:
    """Who gets at a cluster: people and networks at its API, its pods at AWS.

    Attributes:
        access: access entries, and roles for people.
        tunnel_host: the way to a private endpoint, if the spec asks for one.
    """

    def __init__(
        self,
        scope: Construct,
        spec: EksClusterSpec,
        *,
        cluster: ClusterHandle,
        network: ClusterNetwork,
        iam: IamSpec,
        issuer_url: str,
        security_group_id: str,
    ) -> None:
        """Makes the parts directly below ``scope``, for a cluster with this issuer of tokens and this security group."""
        open_endpoint(scope, spec.control_plane.endpoint, group_id=security_group_id)
        add_rules(scope, spec.control_plane.security_group_rules, group_id=security_group_id)
        add_successor(scope, spec.control_plane.certificate_authority, cluster=cluster)
        self._issuer_url = issuer_url
        self._provider = trust_tokens(scope, OIDC_PROVIDER_ID, issuer_url=issuer_url)
        self.access = Access(scope, "Access", spec.all_access, cluster=cluster, iam=iam)
        self.tunnel_host = None
        if spec.access.tunnel_host:
            self.tunnel_host = TunnelHost(scope, "TunnelHost", cluster=cluster, network=network, iam=iam)
            https_from(
                scope,
                "HttpsFromTunnelHost",
                group_id=security_group_id,
                description="Kubernetes API from the tunnel host",
                source_security_group_id=self.tunnel_host.security_group_id,
            )

    @cached_property
    def oidc(self) -> OidcProvider:
        """IAM's trust in the cluster's tokens: always there, for it grants nothing, and its users come and go."""
        return OidcProvider(self._provider.ref, self._issuer_url)


class EksCluster(Construct):
    """A cluster with its access, compute and add-ons, made in the order that works.

    All in one stack: ``deletion_protection`` belongs to a second deploy, or a first one that fails cannot be rolled back.
    Its key and the roles that a cluster can never change stay when the stack is deleted, unless ``retain`` is false.

    Attributes:
        handle: how what is made for the cluster refers to it.
        foundation: ARNs of its key and its lasting roles.
        control_plane: the cluster itself; ``control_plane.cluster`` is the L1 resource.
        access: access entries, and roles for people: ``access.new_roles``.
        oidc: IAM's trust in the cluster's tokens.
        tunnel_host: the way to a private endpoint, if the spec asks for one.
        addons: the EKS add-ons.
        compute: the construct of each kind of compute that has one, by the kind's name.
        pod_identities: roles of pods, if the spec names any.
        capabilities: controllers that AWS runs, if the spec names any.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        spec: EksClusterSpec,
        *,
        network: ClusterNetwork,
        iam: IamSpec | None = None,
        tags: Mapping[str, str] | None = None,
        retain: bool = True,
        capability_log_group_arn: str | None = None,
    ) -> None:
        """Makes the cluster in ``network``.

        Args:
            scope: parent construct.
            construct_id: id below the parent.
            spec: the cluster.
            network: a network of :class:`eks_constructs.network.Network`, or one that exists (ClusterNetwork.existing).
            iam: what your organisation prescribes for every role.
            tags: of instances, volumes and load balancers that controllers in the cluster make; Tags.of(app) does not reach those.
            retain: keeps the key and the lasting roles when the stack is deleted.
            capability_log_group_arn: where the logs of the spec's capabilities go; None: nowhere.
        """
        super().__init__(scope, construct_id)
        spec.check_addon_settings()
        self.spec, self.network = spec, network
        self._context = spec.context(iam=iam or IamSpec(), tags=tags or {})
        self.foundation = self._foundation(retain=retain)
        self.control_plane = add_control_plane(self, spec, network=network, foundation=self.foundation)
        self.handle: ClusterHandle = self.control_plane.handle
        parts = AccessParts(
            self,
            spec,
            cluster=self.handle,
            network=network,
            iam=self._context.iam,
            issuer_url=self.control_plane.cluster.attr_open_id_connect_issuer_url,
            security_group_id=self.security_group_id,
        )
        self.access, self.oidc, self.tunnel_host = parts.access, parts.oidc, parts.tunnel_host
        self._wiring = Wiring(
            self.handle,
            network,
            self._context,
            lasting=self.foundation.lasting,
            system_pods=spec.system_pods(),
            security_group_id=self.security_group_id,
            joining=self.control_plane.joining,
        )
        made = add_compute(
            self,
            spec,
            [addon for addon in spec.planned_addons() if not addon.after_pools],
            self._wiring,
            oidc=self.oidc,
            security_group_id=self.security_group_id,
        )
        scope = Construct(self, "Controllers")
        self._values: dict[str, str] = {}
        for kind, section in spec.compute.active():
            self._values |= kind.controller(scope, section, self._wiring)
        self.addons, self.compute, self.pod_identities = made.addons, made.kinds, made.pod_identities
        self.capabilities = spec.capabilities and Capabilities(
            self,
            "Capabilities",
            spec.capabilities,
            cluster=self.handle,
            iam=self._context.iam,
            log_group_arn=capability_log_group_arn,
        )
        for revision in spec.compute.managed_nodes.revisions if spec.compute.managed_nodes else []:
            if revision:
                own = Construct(self, f"Revision{pascal_case(revision)}")
                KINDS["managed_nodes"].build(own, spec.compute.managed_nodes, replace(self._wiring, revision=revision))

    @property
    def security_group_id(self) -> str:
        """Security group that EKS makes for the control plane and the nodes."""
        return self.control_plane.security_group_id

    @property
    def endpoint(self) -> str:
        """Address of the Kubernetes API."""
        return self.control_plane.cluster.attr_endpoint

    def made(self, construct: type[MadeByKind]) -> MadeByKind:
        """Returns the construct of a kind of compute by its class, such as ManagedNodes. Raises KeyError: it has none."""
        for one in self.compute.values():
            if isinstance(one, construct):
                return one
        raise KeyError(f"{self.spec.name} has no {construct.__name__}; it has: {', '.join(self.compute) or 'none'}")

    def manifests(self) -> Sequence[ManifestFile]:
        """Returns the Kubernetes objects that its compute needs, for `kubectl apply` or a pipeline of yours.

        Some need the resource definitions of :meth:`charts`, whose ``order`` says when.
        """
        active = self.spec.compute.active()
        own = [
            item for kind, section in active for item in kind.files_of_controller(section, self._context, self.network)
        ]
        return [*self.spec.own_files(self._context, self.network), *own]

    def charts(self) -> Sequence[HelmChart]:
        """Returns the Helm charts of the controllers that its compute needs, such as Karpenter's, with their values."""
        active = self.spec.compute.active()
        found = [chart for kind, section in active for chart in kind.charts(section, self._context)]
        found += plugin_charts([one for kind, section in active for one in kind.device_software(section)], ())
        return [replace(chart, values=_filled(chart.values, self._values)) for chart in found]

    def addons_after_pools(self, *applied: IDependable) -> Addons | None:
        """Makes the add-ons whose pods only node pools of :meth:`manifests` can run; None if there are no such add-ons.

        EKS reports a failure for an add-on without nodes. So they come after what applies the pools (``applied``), or in a
        later deploy.
        """
        late = [addon for addon in self.spec.planned_addons() if addon.after_pools]
        if not late:
            return None
        group = self.security_group_id
        return add_late_addons(self, "LateAddons", late, self._wiring, security_group_id=group, after=applied)

    def _foundation(self, *, retain: bool) -> ClusterFoundation:
        scope = Construct(self, "Lasting")
        resources = lasting_resources(
            scope, self.spec, self._context, key_alias=f"alias/eks-platform/clusters/{self.spec.name}"
        )
        keep(scope, retain=retain)
        key_arn = resources.key.attr_arn if resources.key else str(self.spec.control_plane.etcd.kms_key_arn)
        lasting = {one.id: one.resource.attr_arn for one in resources.of_kinds}
        role_arn = resources.role.attr_arn if resources.role else str(self.spec.control_plane.role_arn)
        return ClusterFoundation(key_arn, role_arn, lasting)


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    """Returns a copy of a chart's values with the placeholders filled in that ``values`` knows."""
    if isinstance(value, str):
        for name, known in values.items():
            value = value.replace(f"${{{name}}}", known)
        return value
    if isinstance(value, Mapping):
        return {key: _filled(part, values) for key, part in value.items()}
    return [_filled(part, values) for part in value] if isinstance(value, list) else value
