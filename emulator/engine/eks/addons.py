"""EKS's operations on add-ons."""

import uuid
from bisect import bisect_left

from eks_facts.addons import addons, namespace_of
from eks_facts.versions import kubernetes_versions
from emulator.engine.eks.rules.access import offered
from emulator.engine.eks.service import OPERATIONS, Answer, Eks, Parameters, child_operations, operation
from emulator.engine.eks.state import Record, Refused, now

child_operations("addon", "addonName", "addons")
_delete = OPERATIONS["DeleteAddon"]

NO_NODES = "The add-on is unhealthy because it doesn't have the desired number of replicas."


def has_compute(eks: Eks, cluster: str) -> bool:
    """Whether pods of an add-on can be scheduled: on nodes, a Fargate profile, or Auto Mode with pools.

    Nodes of Auto Scaling groups, hybrid nodes and those of Auto Mode's custom pools come later than the stack that lets them in, but in
    time for an add-on: whoever deploys makes the pools before (`make deploy`), and nothing here sees them.
    """
    types = {one["type"] for one in eks.state.of("accessEntry", cluster)}
    groups = [group for group in eks.state.of("nodegroup", cluster) if group["status"] in ("ACTIVE", "UPDATING")]
    profiles = [one for one in eks.state.of("fargateProfile", cluster) if one["status"] == "ACTIVE"]
    auto = eks.state.cluster(cluster).get("computeConfig", {})
    return bool(
        profiles
        or types & {"EC2_LINUX", "HYBRID_LINUX"}
        or any(group["scalingConfig"]["desiredSize"] > 0 for group in groups)
        or (auto.get("enabled") and (auto.get("nodePools") or "EC2" in types))
    )


@operation
def create_addon(eks: Eks, parameters: Parameters) -> Answer:
    """Makes an add-on; one with Deployments becomes active once its pods have a place, and degraded if they get none."""
    cluster, name = parameters["clusterName"], parameters["addonName"]
    version = parameters.get("addonVersion") or default_version(name, eks.state.cluster(cluster)["version"])
    addon: Record = {
        **{
            key: parameters[key]
            for key in ("clusterName", "addonName", "serviceAccountRoleArn", "configurationValues", "namespaceConfig")
            if key in parameters
        },
        "addonVersion": version,
        "addonArn": eks.arn(f"addon/{cluster}/{name}/{uuid.uuid4()}"),
        "createdAt": now(),
        "modifiedAt": now(),
        "status": "CREATING",
        "health": {"issues": []},
        "tags": parameters.get("tags", {}),
        "owner": "aws",
        "publisher": "eks",
    }  # fmt: skip
    eks.state.children["addon", cluster, name] = addon
    _associate(eks, cluster, addon, parameters.get("podIdentityAssociations", []))

    def active() -> None:
        addon["status"], addon["health"] = "ACTIVE", {"issues": []}

    def degraded() -> None:
        addon["status"] = "DEGRADED"
        addon["health"] = {"issues": [{"code": "InsufficientNumberOfReplicas", "message": NO_NODES, "resourceIds": []}]}
        # It recovers as soon as its pods have a place.
        eks.state.start(active, ready=lambda: has_compute(eks, cluster), failed=degraded)

    # Of an add-on that is not in the catalog nobody knows whether it has Deployments.
    if addons().get(name, {}).get("type") == "deployment":
        eks.state.start(active, ready=lambda: has_compute(eks, cluster), failed=degraded)
    else:
        eks.state.start(active)
    return {"addon": addon}


def default_version(addon: str, kubernetes_version: str) -> str:
    """Returns the version that an account would take by default, which is not the newest."""
    return next(version for version, default in versions_of(addon, kubernetes_version).items() if default)


def versions_of(addon: str, kubernetes_version: str) -> dict[str, bool]:
    """Returns made-up versions of an add-on that fit a Kubernetes version, newest first, and whether each is its default.

    Three are made for each Kubernetes version, and the newest of them fits the next one too.
    """
    # The EBS driver's are past v1.58, which its cluster-scoped policy asks for.
    minor = int(kubernetes_version.split(".")[1]) + (30 if addon == "aws-ebs-csi-driver" else 0)
    place = bisect_left(sorted(addons()), addon)
    made = [(minor, 3), (minor, 2), (minor, 1), (minor - 1, 3)]
    return {f"v1.{of}.{place}-eksbuild.{build}": (of, build) == (minor, 2) for of, build in made}


def _associate(eks: Eks, cluster: str, addon: Record, wanted: list[Record]) -> None:
    """Makes the Pod Identity associations that an add-on owns, in place of those it had."""
    for key in [key for key, record in eks.state.children.items() if record.get("ownerArn") == addon["addonArn"]]:
        del eks.state.children[key]
    arns = []
    for entry in wanted:
        identifier = f"a-{uuid.uuid4().hex[:17]}"
        arn = eks.arn(f"podidentityassociation/{cluster}/{identifier}")
        eks.state.children["podIdentityAssociation", cluster, identifier] = {
            "clusterName": cluster,
            "namespace": addon.get("namespaceConfig", {}).get("namespace") or namespace_of(addon["addonName"]),
            "serviceAccount": entry["serviceAccount"],
            "roleArn": entry["roleArn"],
            "associationArn": arn,
            "associationId": identifier,
            "ownerArn": addon["addonArn"],
            "createdAt": now(),
            "modifiedAt": now(),
            "tags": {},
        }  # fmt: skip
        arns.append(arn)
    addon["podIdentityAssociations"] = arns


@operation
def update_addon(eks: Eks, parameters: Parameters) -> Answer:
    """Changes an add-on's version, configuration or roles."""
    addon = eks.state.child("addon", parameters["clusterName"], parameters["addonName"])
    changes = {
        key: value for key, value in parameters.items() if key not in ("clusterName", "addonName", "clientRequestToken")
    }
    for key in ("addonVersion", "serviceAccountRoleArn", "configurationValues"):
        if key in changes:
            addon[key] = changes[key]
    if "podIdentityAssociations" in changes:
        _associate(eks, parameters["clusterName"], addon, changes["podIdentityAssociations"])
    addon["modifiedAt"] = now()
    return eks.begin_update(parameters["clusterName"], "AddonUpdate", addon, changes, addonName=addon["addonName"])


@operation
def delete_addon(eks: Eks, parameters: Parameters) -> Answer:
    """Deletes an add-on and the associations it owns."""
    addon = eks.state.child("addon", parameters["clusterName"], parameters["addonName"])
    _associate(eks, parameters["clusterName"], addon, [])
    return _delete(eks, parameters)


@operation
def describe_addon_versions(eks: Eks, parameters: Parameters) -> Answer:
    """Answers made-up versions of the catalog's add-ons for each Kubernetes version."""
    wanted = parameters.get("addonName")
    if wanted and not offered(wanted):
        raise Refused("ResourceNotFoundException", f"Addon {wanted} specified is not supported")
    version = parameters.get("kubernetesVersion")
    answers = []
    for name in [wanted] if wanted else sorted(addons()):
        fits: dict[str, list[Record]] = {}
        for kubernetes_version in [version] if version else reversed(list(kubernetes_versions())):
            for addon_version, default in versions_of(name, kubernetes_version).items():
                fits.setdefault(addon_version, []).append(
                    {"clusterVersion": kubernetes_version, "platformVersions": ["*"], "defaultVersion": default}
                )
        entries = [
            {"addonVersion": addon_version, "architecture": ["amd64", "arm64"], "compatibilities": compatibilities,
             "requiresConfiguration": False, "computeTypes": ["ec2", "auto"]}
            for addon_version, compatibilities in fits.items()
        ]  # fmt: skip
        answers.append(
            {"addonName": name, "type": "networking", "addonVersions": entries, "owner": "aws", "publisher": "eks"}
        )
    return eks.page(answers, parameters, "addons")
