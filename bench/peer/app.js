/**
 * The peer: N clusters (node app.js N) as a user of EKS Blueprints for CDK would write them in plain JavaScript. Every
 * third one has a managed node group, every third Fargate profiles, every third EKS Auto Mode, as in ../environment.py.
 *
 * The same as this project's side: one stack per cluster, and one shared VPC in a stack of its own (two AZs, one NAT
 * gateway, S3 endpoint, flow logs, closed default security group); Kubernetes 1.36; per cluster a KMS key, all five
 * control plane logs, one admin role with an access entry, the same EKS add-ons at pinned versions (nothing is looked
 * up), the same compute, and a default storage class and ingress class where this project writes them. No validation:
 * this aws-cdk-lib has none built in, and this project's is off in the rows that are compared. Recommended feature
 * flags on both sides; plain CDK app, no CLI, on both sides.
 *
 * Chosen in the peer's favour: its GenericClusterProviderV2, whose clusters are native AWS::EKS::Cluster resources. It
 * synthesises faster than the MngClusterProvider and FargateClusterProvider of its guides, whose Lambda-backed clusters
 * add two nested stacks each.
 *
 * Not the same: the peer makes a kubectl Lambda with two layers per cluster and stages their zip files (57 MB, once per
 * app) into cdk.out, and applies storage and ingress classes through that Lambda; this project has no Lambda per
 * cluster and writes those objects as YAML files. The peer checks its input by a few constraints; this project reads
 * and checks a YAML file. This project makes a foundation stack with encrypted log groups and the roles that outlive
 * clusters, Fargate logging and a default network policy; the peer has none of these. The peer runs in Node alone; this
 * project is Python, which talks to Node through jsii.
 */
"use strict";

const cdk = require("aws-cdk-lib");
const ec2 = require("aws-cdk-lib/aws-ec2");
const eks = require("aws-cdk-lib/aws-eks-v2");
const flags = require("aws-cdk-lib/recommended-feature-flags.json");
const blueprints = require("@aws-quickstart/eks-blueprints");
const { CoreAddOn } = require("@aws-quickstart/eks-blueprints/dist/addons/core-addon"); // not exported

const VERSION = eks.KubernetesVersion.of("1.36");
const LOGS = ["api", "audit", "authenticator", "controllerManager", "scheduler"];

/** Any EKS add-on that the package has no class for, installed the way its own classes are. */
const addOn = (addOnName, version) => new CoreAddOn({ addOnName, version, saName: addOnName, versionMap: new Map() });

const KINDS = [
  function managedNodes(clusterName) {
    const general = {
      id: "general",
      instanceTypes: [new ec2.InstanceType("m7i.large")],
      amiType: eks.NodegroupAmiType.AL2023_X86_64_STANDARD,
      minSize: 2,
      maxSize: 4,
      launchTemplate: {
        httpPutResponseHopLimit: 1,
        requireImdsv2: true,
        blockDevices: [{ deviceName: "/dev/xvda", volume: ec2.BlockDeviceVolume.ebs(50, { encrypted: true }) }],
      },
    };
    return {
      clusterProvider: new blueprints.GenericClusterProviderV2({
        clusterName,
        defaultCapacityType: eks.DefaultCapacityType.NODEGROUP,
        managedNodeGroups: [general],
      }),
      addOns: [
        new blueprints.EksPodIdentityAgentAddOn("v1.3.10-eksbuild.2"),
        new blueprints.VpcCniAddOn({ version: "v1.21.1-eksbuild.1" }),
        new blueprints.KubeProxyAddOn("v1.35.0-eksbuild.2"),
        new blueprints.CoreDnsAddOn("v1.13.2-eksbuild.3"),
        new blueprints.EbsCsiDriverAddOn({ version: "v1.57.1-eksbuild.1" }),
        addOn("metrics-server", "v0.8.0-eksbuild.5"),
        addOn("eks-node-monitoring-agent", "v1.4.1-eksbuild.1"),
      ],
    };
  },
  function fargate(clusterName) {
    return {
      clusterProvider: new blueprints.GenericClusterProviderV2({
        clusterName,
        defaultCapacityType: eks.DefaultCapacityType.NODEGROUP, // of which it makes none: not Auto Mode
        fargateProfiles: {
          apps: { selectors: [{ namespace: "default" }, { namespace: "apps" }] },
          system: { selectors: [{ namespace: "kube-system", labels: { "k8s-app": "kube-dns" } }] },
        },
      }),
      addOns: [new blueprints.CoreDnsAddOn("v1.13.2-eksbuild.3", { configurationValues: { computeType: "Fargate" } })],
    };
  },
  function autoMode(clusterName) {
    return {
      clusterProvider: new blueprints.AutomodeClusterProvider({ clusterName }),
      addOns: [
        addOn("metrics-server", "v0.8.0-eksbuild.5"),
        new blueprints.EbsCsiDefaultStorageClassAddOn(),
        new blueprints.ALBDefaultIngressClassAddOn(),
      ],
    };
  },
];

async function main(count) {
  const app = new cdk.App({ analyticsReporting: false, context: flags }); // CDK_OUTDIR names the folder
  const vpc = new ec2.Vpc(new cdk.Stack(app, "bench-network"), "Vpc", {
    maxAzs: 2,
    natGateways: 1,
    flowLogs: { all: {} },
    gatewayEndpoints: { s3: { service: ec2.GatewayVpcEndpointAwsService.S3 } },
  });
  for (let index = 0; index < count; index++) {
    const name = `bench-${String(index + 1).padStart(2, "0")}`;
    const { clusterProvider, addOns } = KINDS[index % KINDS.length](name);
    await blueprints.EksBlueprint.builder()
      .version(VERSION)
      .clusterProvider(clusterProvider)
      .resourceProvider(blueprints.GlobalResources.Vpc, new blueprints.DirectVpcProvider(vpc))
      .enableControlPlaneLogTypes(...LOGS)
      .addOns(...addOns)
      .buildAsync(app, `bench-cluster-${name}`);
  }
  app.synth();
}

main(Number(process.argv[2] ?? 3)).catch((error) => {
  console.error(error);
  process.exit(1);
});
