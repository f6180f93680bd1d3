/**
 * An app as the guides of EKS Blueprints for CDK show it: a cluster made by its default, Lambda-backed provider (nested
 * stacks included) with a managed node group, EKS add-ons at pinned versions (nothing is looked up), Helm add-ons, a
 * platform team and an application team. The VPC is the one that the package makes when it is given none.
 */
"use strict";

const cdk = require("aws-cdk-lib");
const ec2 = require("aws-cdk-lib/aws-ec2");
const eks = require("aws-cdk-lib/aws-eks");
const iam = require("aws-cdk-lib/aws-iam");
const blueprints = require("@aws-quickstart/eks-blueprints");

const ENV = { account: "111122223333", region: "eu-west-1" };
/** What a look-up in the account would answer, as `cdk.context.json` keeps it. */
const ZONES = {
  [`availability-zones:account=${ENV.account}:region=${ENV.region}`]: ["eu-west-1a", "eu-west-1b", "eu-west-1c"],
};
const person = (name) => new iam.ArnPrincipal(`arn:aws:iam::${ENV.account}:user/${name}`);

const teams = [
  new blueprints.PlatformTeam({ name: "platform", users: [person("ada")] }),
  new blueprints.ApplicationTeam({
    name: "orders",
    users: [person("grace")],
    namespaceLabels: { "pod-security.kubernetes.io/enforce": "baseline" },
    namespaceHardLimits: { "requests.cpu": "8", "requests.memory": "16Gi", pods: "40" },
    serviceAccountName: "orders",
    serviceAccountPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName("AmazonS3ReadOnlyAccess")],
  }),
];

const addOns = [
  new blueprints.VpcCniAddOn({
    version: "v1.20.4-eksbuild.2",
    serviceAccountPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName("AmazonEKS_CNI_Policy")],
  }),
  new blueprints.CoreDnsAddOn("v1.12.3-eksbuild.1"),
  new blueprints.KubeProxyAddOn("v1.34.0-eksbuild.2"),
  new blueprints.EbsCsiDriverAddOn({ version: "v1.56.0-eksbuild.1" }),
  new blueprints.MetricsServerAddOn(),
  new blueprints.ClusterAutoScalerAddOn(),
  new blueprints.AwsLoadBalancerControllerAddOn(),
  new blueprints.CalicoOperatorAddOn(),
];

const clusterProvider = new blueprints.MngClusterProvider({
  id: "general",
  version: eks.KubernetesVersion.V1_34,
  instanceTypes: [new ec2.InstanceType("m6i.large")],
  amiType: eks.NodegroupAmiType.AL2023_X86_64_STANDARD,
  minSize: 2,
  desiredSize: 3,
  maxSize: 6,
  enableSsmPermissions: true,
  nodeGroupTags: { Environment: "production" },
});

async function main() {
  const app = new cdk.App({ context: ZONES }); // CDK_OUTDIR names the folder
  await blueprints.EksBlueprint.builder()
    .account(ENV.account)
    .region(ENV.region)
    .version(eks.KubernetesVersion.V1_34)
    .clusterProvider(clusterProvider)
    .enableControlPlaneLogTypes(blueprints.ControlPlaneLogType.API, blueprints.ControlPlaneLogType.AUDIT)
    .addOns(...addOns)
    .teams(...teams)
    .buildAsync(app, "blueprint");
  app.synth();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
