"""A CDK app of your own with this library: a cluster with managed nodes and Fargate in a VPC that exists.

`npx cdk synth -a "python app.py"`
"""

import aws_cdk as cdk

from eks_constructs.access import AccessSpec, NewRoleSpec
from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.cluster_spec import EksClusterSpec
from eks_constructs.compute.fargate.spec import FargateProfileSpec, FargateSelectorSpec, FargateSpec
from eks_constructs.compute.managed_nodes.construct import ManagedNodes
from eks_constructs.compute.managed_nodes.spec import ManagedNodesSpec, NodeGroupSpec
from eks_constructs.compute.spec import ComputeSpec
from eks_constructs.control_plane import ControlPlaneSpec
from eks_constructs.eks_cluster import EksCluster
from eks_constructs.existing_network_spec import ExistingNetworkSpec

app = cdk.App()
stack = cdk.Stack(app, "shop-platform")
vpc = ExistingNetworkSpec(
    vpc_id="vpc-0123456789abcdef0",
    cidr="10.0.0.0/16",
    private_subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
)
spec = EksClusterSpec(
    name="shop",
    control_plane=ControlPlaneSpec(kubernetes_version="1.36", deletion_protection=False),
    access=AccessSpec(admins=[NewRoleSpec(new_role="admin")]),
    compute=ComputeSpec(
        managed_nodes=ManagedNodesSpec(groups=[NodeGroupSpec(name="general", instance_types=["m7i.large"])]),
        fargate=FargateSpec(
            profiles=[FargateProfileSpec(name="jobs", selectors=[FargateSelectorSpec(namespace="jobs")])]
        ),
    ),
)
cluster = EksCluster(stack, "Shop", spec, network=ClusterNetwork.existing(vpc), tags={"team": "shop"})

# Each part is an attribute, and its L1 resources take what the specs do not say.
cluster.made(ManagedNodes).groups["general"].nodegroup_name = "general"
cdk.CfnOutput(stack, "Endpoint", value=cluster.endpoint)

app.synth()
