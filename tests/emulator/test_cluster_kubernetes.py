"""A cluster's real Kubernetes: nodes and pods, identities, volumes and load balancers as EKS would have them; and how it ends."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator import kubeconfig, objects, process, tools
from emulator.process import Engine
from emulator.status import client
from local_kubernetes import programs
from local_kubernetes.client import ApiError, Client
from local_kubernetes.definitions import KARPENTER, define
from tests.emulator import own_machines
from tests.emulator.programs import alive, until
from tests.rehearse.world import POOL, pool, webhook
from tests.support.machine import NEEDS_CONTROL_PLANE, NEXT

pytestmark = [pytest.mark.whole, pytest.mark.xdist_group("cluster-kubernetes"), NEEDS_CONTROL_PLANE]

NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly")
AGENT, DRIVER = "eks-pod-identity-agent", "aws-ebs-csi-driver"
SCOPED = "arn:aws:iam::aws:policy/AmazonEBSCSIDriverEKSClusterScopedPolicy"
PODS = "/api/v1/namespaces/default/pods"


def allow(actions: list[str], condition: dict[str, Any] | None = None, **principal: str) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": actions}
    return json.dumps({"Statement": [{**statement, **({"Condition": condition} if condition else {})}]})


class Cluster:
    """A cluster with one managed node group, made by requests alone."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.eks, self.iam = engine, client(engine, "eks"), client(engine, "iam")
        ec2 = client(engine, "ec2")
        vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.8.{index}.0/24", AvailabilityZone=f"us-west-2{zone}")["Subnet"][
                "SubnetId"
            ]
            for index, zone in enumerate("ab")
        ]
        role = self.role("cluster", allow(["sts:AssumeRole"], Service="eks.amazonaws.com"))
        self.eks.create_cluster(
            name="real", version="1.36", roleArn=role, resourcesVpcConfig={"subnetIds": self.subnets},
            accessConfig={"authenticationMode": "API"},
        )  # fmt: skip
        self.eks.get_waiter("cluster_active").wait(name="real", WaiterConfig={"Delay": 0.2, "MaxAttempts": 600})
        self.issuer = self.eks.describe_cluster(name="real")["cluster"]["identity"]["oidc"]["issuer"]
        node = self.role("node", allow(["sts:AssumeRole"], Service="ec2.amazonaws.com"))
        for name in NODE_POLICIES:
            self.iam.attach_role_policy(RoleName="node", PolicyArn=f"arn:aws:iam::aws:policy/{name}")
        self.eks.create_nodegroup(
            clusterName="real", nodegroupName="general", nodeRole=node, subnets=self.subnets, instanceTypes=["m7g.large"],
            amiType="AL2023_ARM_64_STANDARD", scalingConfig={"minSize": 1, "maxSize": 3, "desiredSize": 2}, labels={"of": "general"},
        )  # fmt: skip
        self.eks.create_addon(clusterName="real", addonName=AGENT)
        self.api: Client = kubeconfig.client(kubeconfig.clusters(engine.home)["real"])

    def role(self, name: str, trust: str) -> str:
        return str(self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"])

    def associate(self, name: str, trust: str) -> None:
        """Gives a service account of this name a role of this name by Pod Identity."""
        role = self.role(name, allow(["sts:AssumeRole", "sts:TagSession"], Service="pods.eks.amazonaws.com"))
        self.eks.create_pod_identity_association(
            clusterName="real", namespace="default", serviceAccount=name, roleArn=role
        )
        self.iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)

    def start(self, name: str, account: str = "default", **spec: Any) -> None:
        container = {"name": "one", "image": "registry.example/one:1"}
        body = {"containers": [container], "serviceAccountName": account, **spec}
        self.api.create(PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": body})

    def account(self, name: str, role: str = "") -> None:
        annotations = {"eks.amazonaws.com/role-arn": role} if role else {}
        metadata = {"name": name, "namespace": "default", "annotations": annotations}
        self.api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})

    def pod(self, name: str) -> Any:
        return self.api.get(f"{PODS}/{name}")

    def runs(self, name: str) -> bool:
        return until(lambda: objects._settled(self.pod(name)), 60)

    def why(self, name: str, part: str) -> bool:
        return until(lambda: part in objects._why(self.pod(name)), 60) and not objects._settled(self.pod(name))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("real") / "home"
    yield Cluster(process.start(home, kubernetes=True))
    process.stop(home)


def nodes(cluster: Cluster) -> list[Any]:
    return cluster.api.items("/api/v1/nodes", labelSelector="of=general")


def test_nodes_come_with_a_group_and_change_with_it(cluster: Cluster) -> None:
    assert until(lambda: len(nodes(cluster)) == 2, 60)
    assert {one["metadata"]["labels"]["topology.kubernetes.io/zone"] for one in nodes(cluster)} == {
        "us-west-2a",
        "us-west-2b",
    }
    cluster.eks.update_nodegroup_config(
        clusterName="real", nodegroupName="general", scalingConfig={"minSize": 1, "maxSize": 3, "desiredSize": 3}
    )
    assert until(lambda: len(nodes(cluster)) == 3, 60)
    daemons = "/apis/apps/v1/namespaces/kube-system/daemonsets"
    assert until(lambda: cluster.api.get(f"{daemons}/{AGENT}")["status"].get("numberReady") == 3, 60)


def test_hybrid_nodes_join_a_cluster_with_remote_networks_and_an_entry(cluster: Cluster) -> None:
    def hybrid() -> list[Any]:
        return cluster.api.items("/api/v1/nodes", labelSelector="eks.amazonaws.com/compute-type=hybrid")

    networks = {"remoteNodeNetworks": [{"cidrs": ["10.80.0.0/16"]}]}
    cluster.eks.update_cluster_config(name="real", remoteNetworkConfig=networks)
    cluster.eks.get_waiter("cluster_active").wait(name="real", WaiterConfig={"Delay": 0.2, "MaxAttempts": 100})
    site = cluster.role("site", allow(["sts:AssumeRole"], Service="ssm.amazonaws.com"))
    assert not until(lambda: bool(hybrid()), 1)  # nobody lets them in
    cluster.eks.create_access_entry(clusterName="real", principalArn=site, type="HYBRID_LINUX")
    assert until(lambda: len(hybrid()) == 2, 60)
    assert all(one["metadata"]["name"].startswith("mi-") for one in hybrid())
    cluster.eks.create_addon(clusterName="real", addonName="kube-proxy")

    def ready() -> list[int]:
        daemons = cluster.api.items("/apis/apps/v1/namespaces/kube-system/daemonsets")
        return [one["status"].get("numberReady", 0) for one in daemons if one["metadata"]["name"] == "kube-proxy"]

    assert until(lambda: ready() == [len(nodes(cluster)) + 2], 60)
    handed_over = cluster.engine.home / process.MACHINES
    here = {"hybrid": True, "zone": "porto", "labels": {"topology.kubernetes.io/zone": "porto"}, "version": "1.35"}
    place = {"networks": ["10.80.7.0/24"], "pod_networks": ["10.90.0.0/16"], "names": ["press-1"]}
    handed_over.write_text(json.dumps({"real": [{"name": "porto", "count": 1, **here, **place}]}))
    assert until(lambda: [one["metadata"]["name"] for one in hybrid()] == ["press-1"], 60)
    assert hybrid()[0]["status"]["nodeInfo"]["kubeletVersion"].startswith("v1.35.")
    cluster.start("there", nodeSelector={"topology.kubernetes.io/zone": "porto"})
    assert cluster.runs("there")
    assert cluster.pod("there")["status"]["podIP"].startswith("10.90.")
    handed_over.unlink()
    cluster.eks.delete_access_entry(clusterName="real", principalArn=site)
    assert until(lambda: not hybrid(), 60)


def test_instances_of_an_auto_scaling_group_join_the_cluster_of_its_tag(cluster: Cluster) -> None:
    def own() -> list[Any]:
        return cluster.api.items("/api/v1/nodes", labelSelector="team=a")

    made = own_machines.self_managed()
    names = ("NodeRole", "InstanceProfile", "Template", "Entry", "Group")
    resources = {name: made[name] for name in names}
    resources["Entry"]["Properties"]["ClusterName"] = "real"
    resources["Group"]["Properties"] |= {
        "VPCZoneIdentifier": cluster.subnets,
        "Tags": [{"Key": "kubernetes.io/cluster/real", "Value": "owned", "PropagateAtLaunch": True}],
    }
    cloudformation = client(cluster.engine, "cloudformation")

    def deploy(call: Any) -> None:
        body = json.dumps({"Resources": resources})
        call(StackName="own", TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
        assert until(
            lambda: (
                not cloudformation.describe_stacks(StackName="own")["Stacks"][0]["StackStatus"].endswith("IN_PROGRESS")
            ),
            60,
        )

    deploy(cloudformation.create_stack)
    assert until(lambda: len(own()) == 2, 60)
    assert {one["metadata"]["labels"]["tier"] for one in own()} == {"batch"}
    assert own()[0]["spec"]["taints"] == [{"key": "batch", "value": "true", "effect": "NoSchedule"}]
    resources["Group"]["Properties"]["DesiredCapacity"] = "3"
    deploy(cloudformation.update_stack)
    assert until(lambda: len(own()) == 3, 60)
    cloudformation.delete_stack(StackName="own")
    assert until(lambda: not own(), 60)


def test_pod_identity_is_judged_with_the_request_that_eks_makes(cluster: Cluster) -> None:
    service = "pods.eks.amazonaws.com"
    both = ["sts:AssumeRole", "sts:TagSession"]

    def tagged(key: str, value: str) -> dict[str, Any]:
        return {"StringEquals": {f"aws:RequestTag/{key}": value}}

    arn = cluster.eks.describe_cluster(name="real")["cluster"]["arn"]
    trusts = {
        "right": (allow(both, {"StringLike": {"aws:RequestTag/eks-cluster-arn": arn}}, Service=service), True),
        "namespace": (allow(both, tagged("kubernetes-namespace", "default"), Service=service), True),
        "other-namespace": (allow(both, tagged("kubernetes-namespace", "other"), Service=service), False),
        "no-tags": (allow(["sts:AssumeRole"], Service=service), False),
        "nobody": (allow(both, Service="ec2.amazonaws.com"), False),
    }
    for name, (trust, _) in trusts.items():
        cluster.account(name)
        cluster.associate(name, trust)
        cluster.start(f"pod-{name}", name)
    for name, (_, good) in trusts.items():
        if good:
            assert cluster.runs(f"pod-{name}"), name
        else:
            assert cluster.why(f"pod-{name}", "EKS does not have permissions to assume the associated role"), name


def test_a_web_identity_needs_the_provider_and_a_trust_that_names_the_service_account(cluster: Cluster) -> None:
    host = cluster.issuer.removeprefix("https://")
    provider = f"arn:aws:iam::{process.ACCOUNT}:oidc-provider/{host}"

    def trust(subject: str) -> str:
        claims = {f"{host}:aud": "sts.amazonaws.com", f"{host}:sub": f"system:serviceaccount:default:{subject}"}
        return allow(["sts:AssumeRoleWithWebIdentity"], {"StringEquals": claims}, Federated=provider)

    for name, subject in (("web-good", "web-good"), ("web-bad", "somebody")):
        cluster.account(name, cluster.role(name, trust(subject)))
    cluster.start("web-early", "web-good")
    assert cluster.why("web-early", f"No OpenIDConnect provider found in your account for {cluster.issuer}")
    cluster.iam.create_open_id_connect_provider(
        Url=cluster.issuer, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
    )
    cluster.start("web-late", "web-good")
    cluster.start("web-other", "web-bad")
    assert cluster.runs("web-late")
    assert cluster.why("web-other", "Not authorized to perform sts:AssumeRoleWithWebIdentity")


def test_a_volume_waits_for_its_driver_and_is_in_the_zone_of_its_pod(cluster: Cluster) -> None:
    named = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "gp3"}}
    cluster.api.apply({**named, "provisioner": "ebs.csi.aws.com", "volumeBindingMode": "WaitForFirstConsumer"})
    wanted = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "gp3",
        "resources": {"requests": {"storage": "1Gi"}},
    }
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "default"}}
    cluster.api.apply({**claim, "spec": wanted})
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    zone = {"topology.kubernetes.io/zone": "us-west-2b"}
    cluster.start("store", volumes=[volume], nodeSelector=zone)
    assert not until(lambda: objects._settled(cluster.pod("store")), 3)
    assert "nodeName" not in cluster.pod("store")["spec"]
    cluster.eks.create_addon(clusterName="real", addonName=DRIVER)
    assert until(lambda: bool(cluster.api.items("/api/v1/persistentvolumes")), 60)
    (made,) = cluster.api.items("/api/v1/persistentvolumes")
    assert "us-west-2b" in json.dumps(made["spec"]["nodeAffinity"])
    # The driver has the node's role, which may not attach.
    assert cluster.why("store", "AttachVolume.Attach failed")
    assert cluster.why("store", "UnauthorizedOperation")
    role = cluster.role("driver", allow(["sts:AssumeRole", "sts:TagSession"], Service="pods.eks.amazonaws.com"))
    where = {"clusterName": "real", "namespace": "kube-system", "serviceAccount": "ebs-csi-controller-sa"}
    made = cluster.eks.create_pod_identity_association(**where, roleArn=role)["association"]
    attach = {"Effect": "Allow", "Action": "ec2:Attach*", "Resource": "*"}

    def says(policy: list[dict[str, Any]], **settings: Any) -> bool:
        """Whether a new pod gets its volume."""
        cluster.iam.put_role_policy(
            RoleName="driver", PolicyName="attach", PolicyDocument=json.dumps({"Statement": policy})
        )
        if settings:
            cluster.eks.update_pod_identity_association(
                clusterName="real", associationId=made["associationId"], **settings
            )
        cluster.api.delete(f"{PODS}/store", {"gracePeriodSeconds": 0})
        cluster.start("store", volumes=[volume], nodeSelector=zone)
        assert until(lambda: bool(cluster.pod("store")["status"].get("containerStatuses")), 60)
        return not cluster.why("store", "UnauthorizedOperation") if not objects._settled(cluster.pod("store")) else True

    def tagged(key: str, value: str) -> dict[str, Any]:
        return {**attach, "Condition": {"StringEquals": {f"ec2:ResourceTag/{key}": value}}}

    other = tagged("ebs.csi.aws.com/cluster-name", "another")
    assert says([attach])
    assert not says([attach, {**attach, "Effect": "Deny", "Resource": "arn:aws:ec2:*:*:volume/*"}])
    assert not says([tagged("ebs.csi.aws.com/cluster-name", "real")])  # instances of groups have another tag
    assert not says([other])
    cluster.iam.attach_role_policy(RoleName="driver", PolicyArn=SCOPED)
    assert says([other])  # a session of Pod Identity has the cluster's name as its tag
    assert not says([other], disableSessionTags=True)
    cluster.iam.tag_role(RoleName="driver", Tags=[{"Key": "eks-cluster-name", "Value": "*"}])
    assert not says([other])  # the policy compares as StringEquals does
    cluster.iam.tag_role(RoleName="driver", Tags=[{"Key": "eks-cluster-name", "Value": "real"}])
    assert says([other])


def test_a_node_pool_replaces_its_nodes_when_its_template_changes(cluster: Cluster) -> None:
    define(cluster.api, KARPENTER)
    item = pool("drifting", {"karpenter": True})
    assert until(lambda: _taken(cluster, item), 30)
    cluster.start("placed", nodeSelector={POOL: "drifting"})
    assert cluster.runs("placed")
    path = "/apis/karpenter.sh/v1/nodepools/drifting"

    def made() -> list[str]:
        found = cluster.api.items("/api/v1/nodes", labelSelector=f"{POOL}=drifting")
        return [one["metadata"]["name"] for one in found]

    (old,) = made()
    cluster.api.patch(path, {"spec": {"template": {"metadata": {"labels": {"team": "b"}}}}})
    assert until(lambda: old not in made(), 30)
    cluster.api.delete(path)
    assert until(lambda: not made(), 30)


def test_a_webhook_whose_service_has_no_ready_pod_fails_as_the_api_server_says(cluster: Cluster) -> None:
    cluster.api.create("/api/v1/namespaces", {"metadata": {"name": "judged"}})
    for item in webhook("judged"):
        cluster.api.apply(item)
    pod = {"metadata": {"name": "one"}, "spec": {"containers": [{"name": "one", "image": "registry.example/one:1"}]}}

    def refusal() -> str:
        try:
            cluster.api.create("/api/v1/namespaces/judged/pods", pod, dryRun="All")
        except ApiError as problem:
            return problem.message
        return ""

    assert until(lambda: 'no endpoints available for service "judged"' in refusal(), 30)


def test_a_capability_brings_its_kinds(cluster: Cluster) -> None:
    role = cluster.role("kro", allow(["sts:AssumeRole", "sts:TagSession"], Service="capabilities.eks.amazonaws.com"))
    graph = {"apiVersion": "kro.run/v1alpha1", "kind": "ResourceGraphDefinition", "metadata": {"name": "a"}, "spec": {}}
    with pytest.raises(ApiError):
        cluster.api.apply(graph)
    asked = {"clusterName": "real", "capabilityName": "kro"}
    cluster.eks.create_capability(**asked, type="KRO", roleArn=role, deletePropagationPolicy="RETAIN")
    assert until(lambda: cluster.eks.describe_capability(**asked)["capability"]["status"] == "ACTIVE", 60)
    assert until(lambda: _taken(cluster, graph), 30)
    cluster.eks.delete_capability(**asked)


def _taken(cluster: Cluster, item: dict[str, Any]) -> bool:
    try:
        cluster.api.apply(item)
    except ApiError:
        return False
    return True


def test_a_load_balancer_has_an_address_only_where_a_controller_serves_it(cluster: Cluster) -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"}}
    ports = [{"port": 80}]
    cluster.api.apply(
        {**service, "spec": {"type": "LoadBalancer", "loadBalancerClass": "service.k8s.aws/nlb", "ports": ports}}
    )

    def address() -> Any:
        return cluster.api.get("/api/v1/namespaces/default/services/web")["status"]["loadBalancer"].get("ingress")

    assert not until(lambda: bool(address()), 2)
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig.write(cluster.engine.home))}
    environment["PATH"] = f"{tools.folder(cluster.engine.home)}:{environment['PATH']}"
    chart = "aws-load-balancer-controller"
    install = [
        "helm",
        "--kube-context",
        "real",
        "upgrade",
        "--install",
        chart,
        chart,
        "--namespace",
        "kube-system",
        "--values",
        "-",
    ]
    store = {
        "apiVersion": "external-secrets.io/v1",
        "kind": "SecretStore",
        "metadata": {"name": "a", "namespace": "default"},
    }
    kind = {"group": "external-secrets.io", "kind": "SecretStore", "versions": ["v1"], "namespaced": True}
    (cluster.engine.home / process.KINDS).write_text(json.dumps({"real": [kind]}))
    assert not _taken(cluster, store)
    done = subprocess.run(install, input="{}", env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert _taken(cluster, store)  # a chart brings the kinds of the assembly's objects
    assert until(lambda: bool(address()), 30)
    assert address()[0]["hostname"].startswith("internal-k8s-default-web-")
    listed = subprocess.run(
        ["kubectl", "get", "pods", "-n", "kube-system"], env=environment, capture_output=True, text=True, check=True
    )
    assert chart in listed.stdout


def test_what_a_demo_says_of_the_pods(cluster: Cluster) -> None:
    cluster.start("nowhere", nodeSelector={"of": "nobody"})
    assert cluster.why("nowhere", "0/3 nodes are available")
    said = "\n".join(objects.lines(cluster.engine))
    assert "run, on 3 simulated nodes" in said
    assert said.count("  managed_nodes  ip-") == 3
    assert "  charts         kube-system/aws-load-balancer-controller: not downloaded." in said
    assert "default/nowhere: 0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector" in said


def test_the_control_plane_moves_with_the_cluster(cluster: Cluster) -> None:
    if not programs.find(NEXT):
        pytest.skip(f"no programs of Kubernetes {NEXT}")
    update = cluster.eks.update_cluster_version(name="real", version=NEXT)["update"]["id"]

    def status() -> str:
        return str(cluster.eks.describe_update(name="real", updateId=update)["update"]["status"])

    assert status() == "InProgress"
    assert until(lambda: status() == "Successful", 120)
    assert cluster.api.get("/version")["gitVersion"].startswith(f"v{NEXT}.")
    cluster.start("after")
    assert cluster.runs("after")


def test_nothing_is_left_of_a_killed_engine(cluster: Cluster) -> None:
    (lock,) = (cluster.engine.home / "tmp/kubernetes-real").glob("child-*.lock")
    group = int(lock.read_text())
    os.kill(cluster.engine.pid, signal.SIGKILL)
    os.waitpid(cluster.engine.pid, 0)

    def left() -> list[Path]:
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                of = int(stat.read_text().rpartition(")")[2].split()[2])
            except (FileNotFoundError, ProcessLookupError):
                continue
            if of == group and alive(stat.parent):
                found.append(stat.parent)
        return found

    assert until(lambda: left() == [])
