"""The spec of one cluster of an environment file, and the rules between its parts."""

import json
from typing import Annotated, Any

from pydantic import Discriminator, Tag, ValidationInfo, WithJsonSchema, model_validator

from eks_constructs.addon_plan import (
    AddonName,
    AddonVersion,
    too_old,
)
from eks_constructs.alarms import AlarmsSpec
from eks_constructs.backups import BackupSpec
from eks_constructs.capabilities import API_GROUPS
from eks_constructs.cluster_spec import EksClusterSpec
from eks_constructs.control_plane import KubernetesVersion
from eks_constructs.existing_network_spec import ExistingNetworkSpec
from eks_constructs.network_spec import NetworkSpec
from eks_constructs.prometheus import PrometheusSpec
from eks_constructs.spec import Misplaced, Spec, pattern, repeated
from eks_facts.addons import addons
from stacks.environment.chart_spec import ChartSpec, LoadBalancerControllerSpec
from stacks.environment.existing_cluster import NOBODY, ExistingClusterSpec
from stacks.environment.workload_spec import Delivery, FilePath, WorkloadSpec

AnyNetwork = Annotated[
    Annotated[NetworkSpec, Tag("new")] | Annotated[ExistingNetworkSpec, Tag("existing")],
    Discriminator(
        lambda value: (
            "existing"
            if isinstance(value, ExistingNetworkSpec) or (isinstance(value, dict) and "vpc_id" in value)
            else "new"
        )
    ),
]
"""A network to make, or (with `vpc_id`) one that exists."""

ApiName = Annotated[
    str,
    pattern(
        r"[a-z0-9]([a-z0-9./-]{0,251}[a-z0-9])?",
        "must be an API group, a class or a driver, such as cert-manager.io",
    ),
]


AUTOSCALER = "cluster-autoscaler"
"""In `provided_elsewhere`: something of yours changes the size of node groups."""


class ClusterSpec(EksClusterSpec):
    """One EKS cluster."""

    existing: (
        Annotated[
            ExistingClusterSpec,
            WithJsonSchema({"type": "string", "title": "Existing", "examples": ["existing/shop.yaml"]}),
        ]
        | None
    ) = None
    """The file, beside this one, that `python -m operations look-up` wrote of a cluster that was made elsewhere: only compute, add-ons
    and workloads are made for it. `network`, `control_plane` and `access` are then left out here."""
    network: AnyNetwork | None = None
    """A network of its own; default: the environment's."""
    delivery: Delivery = "files"
    """How Kubernetes objects get into the cluster: `files` for `make apply`, or `kubectl` in a Lambda function, by the stack.
    `handover` goes between: as `kubectl`, but CloudFormation lets go of the objects instead of deleting them. `gitops`: Argo CD or
    Flux reads them from the repository that the environment's `gitops` names, where you commit what `make gitops` writes."""
    workloads: list[WorkloadSpec] = []
    """Workloads of workloads/, or of other folders, and the compute each runs on."""
    charts: list[ChartSpec] = []
    """Helm charts, in the order in which they are installed: after controllers and add-ons, before manifests and workloads."""
    manifests: list[FilePath] = []
    """Files and folders of Kubernetes objects, relative to this file, that are applied as they are, after charts and before
    workloads: they say themselves where their pods run."""
    load_balancer_controller: LoadBalancerControllerSpec = LoadBalancerControllerSpec()
    """The AWS Load Balancer Controller."""
    alarms: AlarmsSpec | None = None
    backup: BackupSpec | None = None
    prometheus: PrometheusSpec | None = None
    provided_elsewhere: list[ApiName] = []
    """What something else installs in the cluster, and workloads may refer to: API groups (cert-manager.io), names
    of classes (nginx), drivers (secrets-store.csi.k8s.io); `cluster-autoscaler`, if something adds nodes to groups that have none."""

    @model_validator(mode="before")
    @classmethod
    def _look_up(cls, data: Any, info: ValidationInfo) -> Any:
        """Fills the keys of an existing cluster from its look-up."""
        file = data.get("existing") if isinstance(data, dict) else None
        if file is None:
            return data
        for key in ("network", "control_plane", "access"):
            if key in data:
                raise Misplaced("belongs to whoever made the existing cluster; remove it", key)
        found = ((info.context or {}).get("existing") or {}).get(str(file))
        if found is None:
            raise Misplaced("must name the file of a look-up, such as existing/shop.yaml", "existing")
        return {
            **data,
            "existing": found,
            "network": found.network,
            "control_plane": found.control_plane,
            "access": NOBODY,
        }

    @model_validator(mode="after")
    def _joins(self) -> "ClusterSpec":
        if self.existing is None:
            return self
        if self.compute.auto_mode:
            raise Misplaced(
                "is a setting of the existing cluster itself: its owner switches it on; remove it",
                *("compute", "auto_mode"),
            )
        self._check_remote_networks(self.existing)
        for index, team in enumerate(self.teams):
            if team.members or team.readers:
                raise Misplaced(
                    f"the existing cluster's owner gives people access: an entry with the group {team.group}; remove this",
                    *("teams", index, "members" if team.members else "readers"),
                )
        if self.security_groups_for_pods:
            raise Misplaced(
                "needs a policy of the cluster's role, which its owner has; remove it", "security_groups_for_pods"
            )
        kind = next((kind.name for kind, _ in self.compute.active() if kind.makes_access_entry), None)
        keys = ("capabilities", "backup", "prometheus")
        entries = kind or (
            "delivery" if self.delivered_by_stack else next((key for key in keys if getattr(self, key)), None)
        )
        if entries and self.existing.authentication_mode == "CONFIG_MAP":
            raise Misplaced(
                "needs an access entry, and the cluster takes none: its authentication mode is CONFIG_MAP."
                f" aws eks update-cluster-config --name {self.name} --access-config authenticationMode=API_AND_CONFIG_MAP,"
                " then look it up again",
                *(("compute", entries) if kind else (entries,)),
            )
        irsa = any(one.compute == "fargate" for one in self.workloads) or any(
            "irsa" in self.ways_of(one) for _, one in self.all_pod_identities
        )
        irsa = irsa or any(addon.on_fargate and addon.identity for addon in self.planned_addons())
        on_fargate = self.compute.mix.deployments_run_on == "fargate"
        irsa = irsa or bool(self.load_balancer_controller.enabled and on_fargate)
        if irsa and not self.existing.oidc_provider_arn:
            raise Misplaced(
                "gives pods AWS roles by IAM's OIDC provider of the cluster, and the look-up found none. Make it"
                f" (aws iam create-open-id-connect-provider --url {self.existing.oidc_issuer} --client-id-list"
                " sts.amazonaws.com), then look it up again",
                *("compute", "fargate"),
            )
        return self

    @model_validator(mode="after")
    def _nodes_come_before_pods(self) -> "ClusterSpec":
        if self.delivered_by_stack and self.compute.mix.deployments_run_on == "hybrid_nodes":
            raise Misplaced(
                "a stack would wait for pods while no node can have joined; say files, or add compute in the VPC",
                "delivery",
            )
        return self

    def _check_remote_networks(self, existing: ExistingClusterSpec) -> None:
        """Raises Misplaced unless the existing cluster has the networks that hybrid nodes of this file are in."""
        spec = self.compute.hybrid_nodes
        found = existing.properties.get("RemoteNetworkConfig") or {}
        for key, name in (("remote_node_networks", "RemoteNodeNetworks"), ("remote_pod_networks", "RemotePodNetworks")):
            has = {cidr for one in found.get(name) or [] for cidr in one.get("Cidrs") or []}
            for index, cidr in enumerate(getattr(spec, key) if spec else []):
                if cidr not in has:
                    raise Misplaced(
                        f"the existing cluster does not have {cidr}: its owner adds it to the cluster's remote networks; then look it up"
                        " again (https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-cluster-update.html)",
                        *("compute", "hybrid_nodes", key, index),
                    )

    @model_validator(mode="after")
    def _windows_pods_get_addresses(self) -> "ClusterSpec":
        cni = self.addons.get("vpc-cni")
        if not self.compute.mix.windows or cni is None:
            return self
        page = "https://docs.aws.amazon.com/eks/latest/userguide/windows-support.html"
        if cni.enabled is False:
            raise Misplaced(
                f"nothing else gives pods on Windows nodes their addresses ({page}); remove it, or those nodes",
                *("addons", "vpc-cni", "enabled"),
            )
        custom = (cni.configuration.get("env") or {}).get("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "false")
        if str(custom).lower() == "true":
            raise Misplaced(
                f"Windows nodes have no custom networking ({page}); remove it, or those nodes",
                *("addons", "vpc-cni", "configuration", "env", "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG"),
            )
        if str(cni.configuration.get("enableWindowsIpam", "true")).lower() != "true":
            raise Misplaced(
                f'pods on Windows nodes get their addresses by it ({page}); remove it: "true" is filled in',
                *("addons", "vpc-cni", "configuration", "enableWindowsIpam"),
            )
        return self

    @model_validator(mode="after")
    def _addons_have_what_they_require(self) -> "ClusterSpec":
        planned = [addon.name for addon in self.planned_addons()]
        for name in planned:
            needed = addons().get(name, {}).get("requires")
            if needed and needed["addon"] not in planned and needed["group"] not in self.provided:
                raise Misplaced(
                    f"needs {needed['addon']}: add {needed['addon']}: {{enabled: true}} to addons, or {needed['group']} to"
                    " provided_elsewhere, if something else installs it",
                    *("addons", name),
                )
        return self

    @model_validator(mode="after")
    def _charts(self) -> "ClusterSpec":
        if (index := repeated(chart.name for chart in self.charts)) is not None:
            raise Misplaced(
                f"{self.charts[index].name} is the name of two releases; choose another", "charts", index, "name"
            )
        return self

    @property
    def provided(self) -> frozenset[str]:
        """What something else than this project's objects installs: `provided_elsewhere`, and what capabilities and charts bring."""
        chosen = self.capabilities.chosen() if self.capabilities else ()
        charts = {name for chart in self.charts for name in chart.said("provides", ())}
        return frozenset(self.provided_elsewhere) | {API_GROUPS[kind] for kind, _ in chosen} | charts

    @property
    def changes_group_sizes(self) -> bool:
        """Whether something adds nodes to groups that have none. Cluster Autoscaler finds those of EKS by tags that EKS sets:
        https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html. Karpenter starts nodes of its own alone."""
        nodes = self.compute.self_managed_nodes
        charts = {chart.said("chart", chart.name).rpartition("/")[2] for chart in self.charts}
        return bool(nodes and nodes.cluster_autoscaler.enabled) or AUTOSCALER in self.provided | charts

    @property
    def has_services(self) -> bool:
        """Whether AWS services look after it that are made here."""
        return bool(self.alarms or self.backup or self.prometheus)

    @property
    def delivered_by_stack(self) -> bool:
        """Whether CloudFormation applies the Kubernetes objects."""
        return self.delivery in ("kubectl", "handover")

    def unchecked_settings(self, lock: "LockFile | None") -> list[str]:
        """Returns the settings of add-ons that neither a schema in ``lock`` nor one that is known here covers. Raises AddonProblem."""
        locked = lock.versions(self.control_plane.kubernetes_version) if lock else {}
        return self.check_addon_settings(
            lambda addon: lock.schema_of(addon.name, addon.version or locked.get(addon.name)) if lock else None
        )


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


class LockFile(Spec):
    """Versions of add-ons, by Kubernetes version: ENVIRONMENT.lock.yaml beside the environment file."""

    addons: dict[KubernetesVersion, dict[AddonName, AddonVersion]]
    settings: dict[AddonName, dict[AddonVersion, str]] = {}
    """JSON schemas of what add-ons take as settings, by version."""

    @model_validator(mode="after")
    def _new_enough(self) -> "LockFile":
        for kubernetes, versions in self.addons.items():
            for name, version in versions.items():
                if problem := too_old(name, version):
                    raise Misplaced(f"{problem} (make lock-addons)", "addons", kubernetes, name)
        return self

    @model_validator(mode="after")
    def _schemas(self) -> "LockFile":
        for name, versions in self.settings.items():
            for version, text in versions.items():
                if not isinstance(_json(text), dict):
                    raise Misplaced("is not a JSON schema (make lock-addons writes it)", "settings", name, version)
        return self

    def schema_of(self, name: str, version: str | None) -> dict[str, Any] | None:
        """Returns the schema of the settings of an add-on's version; None: it is not here."""
        versions: dict[str, str] = dict(dict(self.settings.items()).get(name, {}).items())
        return _json(versions[version]) if version in versions else None

    def versions(self, kubernetes_version: str) -> dict[str, str]:
        """Returns the versions for a Kubernetes version, by add-on."""
        return dict(self.addons.get(kubernetes_version, {}).items())
