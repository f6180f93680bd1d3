"""Workloads stack: AWS resources for workloads, and (with `delivery: kubectl`) the Kubernetes objects of a cluster.

It depends on the compute stack, so it is deleted first: load balancers before their controllers, volumes before their drivers.
"""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from constructs import Construct, IConstruct, IDependable

from delivery.placeholders import role_placeholder, role_placeholder_in
from eks_constructs import load_balancer_controller
from eks_constructs.addon_plan import PlannedAddon
from eks_constructs.cluster_compute import add_late_addons
from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.compute.kind import Wiring
from eks_constructs.construct_ids import pascal_case
from eks_constructs.identity import associated_role
from eks_constructs.manifests import HelmChart, ManifestFile
from eks_constructs.pod_identities import PodIdentities, PodIdentitySpec, ServiceAccountSpec
from eks_constructs.rights import statements_of
from eks_constructs.roles import Statement
from eks_constructs.workload_bucket import WorkloadBucket
from eks_constructs.workload_file_system import WorkloadFileSystem
from stacks.applying import apply_objects
from stacks.control_plane import RunningCluster
from stacks.controllers import charts_of, controllers, needs_load_balancer_controller
from stacks.environment.cluster_spec import ClusterSpec, LockFile
from stacks.environment.model import Environment
from stacks.environment_stack import EnvironmentStack
from stacks.objects.balancer_rights import rights_of
from stacks.objects.plain import plain_manifests
from stacks.objects.rendering import PlacedWorkload, placed_workloads

PREFIX = "data"
"""Prefix in the bucket that a workload's service account may use."""


def late_addons(cluster: ClusterSpec, lock: LockFile | None = None, *, before_pools: bool) -> list[PlannedAddon]:
    """Returns the add-ons that are made after the cluster's node pools: their pods find a node only then.

    Where `make apply` makes the pools, a deploy before that leaves them out: nothing would run them, and EKS would report a failure.
    """
    if before_pools and not cluster.delivered_by_stack:
        return []
    versions = lock.versions(cluster.control_plane.kubernetes_version) if lock else None
    return [addon for addon in cluster.planned_addons(versions) if addon.after_pools]


def needs_stack(cluster: ClusterSpec, environment: Environment, *, before_pools: bool) -> bool:
    """Returns whether CloudFormation makes anything for the workloads of a cluster."""
    if (
        late_addons(cluster, before_pools=before_pools)
        or cluster.delivered_by_stack
        or any(kind.has_controller(section) for kind, section in cluster.compute.active())
        or any(chart.outputs for chart, _ in charts_of(cluster, environment))
        or any(one.file.outputs for one in plain_manifests(cluster, environment))
    ):
        return True
    return any(
        workload.needs & {"bucket", "file_system"} or workload.description.pod_identities
        for workload in placed_workloads(cluster, environment)
    )


def output_name(namespace: str, placeholder: str) -> str:
    """Returns the key of the output with the value of a workload's placeholder."""
    return pascal_case(namespace) + pascal_case(placeholder.lower().replace("_", "-"))


class WorkloadsStack(EnvironmentStack):
    """The part of the workloads that CloudFormation makes.

    Attributes:
        spec: the cluster in the environment file.
        identities: roles that workloads ask for, each with the construct that has it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        cluster: RunningCluster,
        *,
        environment: Environment,
        logs_key_arn: str,
        lock: LockFile | None,
        before_pools: bool,
        role_arns: Mapping[tuple[str, str], str],
    ) -> None:
        """Makes the resources of the workloads of ``cluster``, and applies their objects if the cluster says `kubectl`.

        ``lock`` has versions of add-ons; ``before_pools`` leaves out those that would find no node yet. ``role_arns``: of
        `pod_identities`, by namespace and service account.
        """
        spec = cluster.spec
        super().__init__(scope, construct_id, environment, f"workloads of {spec.name} (delivery: {spec.delivery})")
        self.spec = spec
        self.identities: list[tuple[IConstruct, PodIdentitySpec]] = []
        self._cluster, self._environment, self._network = cluster, environment, cluster.network
        # By name: this stack depends on the whole control plane and compute stacks.
        self._handle = ClusterHandle(spec.name, spec.name)
        workloads = placed_workloads(spec, environment)
        values = {workload.placement.namespace: self._resources(workload) for workload in workloads}
        added = controllers(spec, environment, self._network)
        controller_values = {**self._controllers(), **self._load_balancer_controller(workloads), **self._vpc_id(added)}
        controller_values |= self._roles(added, role_arns)
        late = late_addons(spec, lock, before_pools=before_pools)
        self._remember_delivery()
        if spec.delivered_by_stack:
            apply_objects(
                self, cluster, environment, added, workloads, values, controller_values,
                logs_key_arn=logs_key_arn, late=lambda after: self._late_addons(late, after),
            )  # fmt: skip
        else:
            self._late_addons(late, after=[])

    def _late_addons(self, plan: Sequence[PlannedAddon], after: Sequence[IDependable]) -> list[IDependable]:
        """Makes add-ons after what gives them nodes; returns what comes after them."""
        if not plan:
            return list(after)
        wiring, group = self._wiring(), self._cluster.security_group_id
        return [*after, add_late_addons(self, "Addons", plan, wiring, security_group_id=group, after=after)]

    def _wiring(self) -> Wiring:
        return Wiring(self._handle, self._network, self._environment.context_of(self._cluster.spec))

    def _remember_delivery(self) -> None:
        """Has CloudFormation refuse a switch from `kubectl` to `files`, which would delete every object: handover goes between.

        The CDK CLI sends the value that each parameter had in the last deploy (--previous-parameters, its default), and that
        has to be one that the new template allows. A handover has no such parameter: there the value is forgotten.
        """
        delivery = self._cluster.spec.delivery
        if delivery == "handover":
            return
        said = cdk.CfnParameter(
            self,
            "Delivery",
            default=delivery,
            # Back to kubectl is no danger. That the value stays what it was then is: make deploy looks itself.
            allowed_values=["kubectl", "files", "gitops"] if delivery == "kubectl" else ["files", "gitops"],
            description="Who applies the Kubernetes objects: kubectl in this stack, files and make apply, or gitops",
            constraint_description="this stack applies the Kubernetes objects, and would delete them all: namespaces, volumes,"
            " load balancers. Deploy delivery: handover first (docs/workloads.md)",
        )
        cdk.CfnOutput(self, "DeliveredBy", value=said.value_as_string, description="Delivery at the first deploy")

    def _controllers(self) -> dict[str, str]:
        """Makes the AWS resources for controllers of kinds of compute; returns the values of their charts' placeholders."""
        spec, values = self._cluster.spec, dict[str, str]()
        for kind, section in spec.compute.active():
            values |= kind.controller(self, section, self._wiring())
        return values

    def _load_balancer_controller(self, workloads: Sequence[PlacedWorkload]) -> dict[str, str]:
        """Makes the controller's AWS resources, if a workload needs it; returns the values of its chart's placeholders."""
        spec = self._cluster.spec
        if not needs_load_balancer_controller(spec, self._environment):
            return {}
        on_nodes = spec.compute.mix.deployments_run_on != "fargate"
        objects = [item for one in workloads if one.placement.rule.needs_controller for item in one.objects]
        role = self._service_account_role(
            Construct(self, "LoadBalancerController"),
            namespace=load_balancer_controller.NAMESPACE,
            account=load_balancer_controller.SERVICE_ACCOUNT,
            irsa=not on_nodes,
            statements=[
                *load_balancer_controller.statements(spec.name, rights_of(objects, spec.name)),
                *statements_of(spec.load_balancer_controller.allow),
            ],
        )
        values: dict[str, str] = {}
        if not on_nodes:
            values[load_balancer_controller.ROLE_ARN] = role
            key, what = "LoadBalancerControllerRoleArn", "Role of the AWS Load Balancer Controller"
            cdk.CfnOutput(self, key, value=role, description=what)
        return values

    def _vpc_id(self, added: Sequence[HelmChart | ManifestFile]) -> dict[str, str]:
        """Returns the value of the placeholder for the VPC, an output too, if a chart has it."""
        name = load_balancer_controller.VPC_ID
        if not any(isinstance(one, HelmChart) and name in one.outputs for one in added):
            return {}
        cdk.CfnOutput(self, "VpcId", value=self._network.vpc_id, description="VPC of the cluster, for its controllers")
        return {name: self._network.vpc_id}

    def _roles(
        self, added: Sequence[HelmChart | ManifestFile], role_arns: Mapping[tuple[str, str], str]
    ) -> dict[str, str]:
        """Returns the values of the placeholders for roles that charts and manifests have; they are outputs, too."""
        outputs = {name: key for one in added for name, key in one.outputs.items()}
        values: dict[str, str] = {}
        for (namespace, account), arn in role_arns.items():
            name = role_placeholder_in(namespace, account)
            if name in outputs:
                values[name] = arn
                cdk.CfnOutput(self, outputs[name], value=arn, description=f"Role of {namespace}/{account}")
        return values

    def _resources(self, workload: PlacedWorkload) -> dict[str, str]:
        """Makes a workload's AWS resources; returns the values of its placeholders, which are outputs too."""
        namespace = workload.placement.namespace
        scope = Construct(self, pascal_case(namespace))
        retain = self._environment.foundation.retain
        values: dict[str, str] = {}
        if "bucket" in workload.needs:
            bucket = WorkloadBucket(scope, "Bucket", retain=retain)
            values["BUCKET_NAME"] = bucket.name
            role_arn = self._role(scope, workload, bucket)
            if workload.placement.rule.identity == "irsa":
                values["SERVICE_ACCOUNT_ROLE_ARN"] = role_arn
        if owner := workload.file_owner:
            system = WorkloadFileSystem(
                scope,
                "Files",
                name=namespace,
                vpc_id=self._network.vpc_id,
                subnet_ids=self._network.subnet_of_each_zone or [],
                cluster_security_group_id=self._cluster.security_group_id,
                owner=owner,
                retain=retain,
            )
            values |= {"FILE_SYSTEM_ID": system.file_system_id, "ACCESS_POINT_ID": system.access_point_id}
        values |= self._identities(scope, workload)
        for name, value in values.items():
            cdk.CfnOutput(self, output_name(namespace, name), value=value, description=f"{name} of {namespace}")
        return values

    def _identities(self, scope: Construct, workload: PlacedWorkload) -> dict[str, str]:
        """Makes the roles that a workload asks for; returns the values of their placeholders, which only IRSA needs."""
        way, namespace = workload.placement.rule.identity, workload.placement.namespace
        specs = [
            PodIdentitySpec(
                namespace=namespace, irsa=None, **{name: getattr(one, name) for name in ServiceAccountSpec.model_fields}
            )
            for one in workload.description.pod_identities
        ]
        if not specs:
            return {}
        made = PodIdentities(
            scope,
            "PodIdentities",
            [(one, [way]) for one in specs],
            cluster=self._handle,
            oidc=self._cluster.oidc,
            iam=self._environment.iam,
            outputs=False,
        )
        self.identities += [(made.node.find_child(one.construct_id), one) for one in specs]
        return {role_placeholder(name): arn for (_, name), arn in made.role_arns.items()} if way == "irsa" else {}

    def _role(self, scope: Construct, workload: PlacedWorkload, bucket: WorkloadBucket) -> str:
        """Makes the role of a workload's service account, with the rights to one prefix of its bucket."""
        namespace = workload.placement.namespace
        return self._service_account_role(
            scope,
            namespace=namespace,
            account=str(workload.description.service_account),
            purpose=f"{namespace}-{workload.description.service_account}",
            irsa=workload.placement.rule.identity == "irsa",
            statements=bucket.use_of(PREFIX),
        )

    def _service_account_role(
        self,
        scope: Construct,
        *,
        namespace: str,
        account: str,
        irsa: bool,
        statements: Sequence[Statement],
        purpose: str | None = None,
    ) -> str:
        """Makes a role for a service account, through Pod Identity or IRSA; returns its ARN."""
        return associated_role(
            scope,
            "Role",
            spec=self._environment.iam,
            cluster=self._handle,
            namespace=namespace,
            service_account=account,
            purpose=purpose,
            oidc=self._cluster.oidc if irsa else None,
            statements=statements,
        ).attr_arn
