"""Checks of Fargate: which pods a profile takes, where they run, where their logs go."""

from dataclasses import dataclass

from responsibility.checks.add_ons import software
from responsibility.checks.add_ons.settings import settings_of
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.findings import Evidence
from responsibility.reading.eks import Cluster, FargateProfile, PodIdentity
from responsibility.reading.kubernetes import Workload
from responsibility.reading.network import Subnet
from responsibility.reading.objects import Objects
from responsibility.reading.partly_known import fits
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import has_gap

_MOST_SELECTORS = 5
_SYSTEM = "kube-system"
_DNS_LABELS = {"k8s-app": "kube-dns"}
_PATCHED = "coredns"
"""In the name of the resource that the CDK patches: deployment/coredns."""


@dataclass(frozen=True, slots=True)
class _Selector:
    """Which pods a profile takes."""

    path: str
    namespace: str
    labels: dict[str, str]

    def meets(self, namespace: str) -> bool:
        return fits(namespace, self.namespace)

    @property
    def takes_any_label(self) -> bool:
        """Whether labels leave no pod out: there are none, or wildcards alone (fargate-profile.html)."""
        return not any(key.strip("*") or value.strip("*") for key, value in self.labels.items())

    def takes(self, namespace: str, labels: dict[str, str]) -> bool:
        return self.meets(namespace) and all(
            any(fits(name, key) and fits(text, value) for name, text in labels.items())
            for key, value in self.labels.items()
        )


def _selectors(profile: FargateProfile) -> list[_Selector]:
    """Returns the selectors of a profile, known to the last character. Raises UnknownValue."""
    found = []
    for path, _ in profile.resource.items("Selectors"):
        labels = [at for at, _ in profile.resource.items(f"{path}.Labels")]
        named = {_text(profile, f"{at}.Key"): _text(profile, f"{at}.Value") for at in labels}
        found.append(_Selector(path, _text(profile, f"{path}.Namespace"), named))
    return found


def _text(profile: FargateProfile, path: str) -> str:
    value = str(profile.get(path, ""))
    if has_gap(value):
        raise UnknownValue(profile.at(path), "a part of it is not known here")
    return value


@check("EKR058", FargateProfile)
def subnets_are_private(profile: FargateProfile) -> Answer:
    """A profile that names none leaves it to EKS, which takes private ones of the cluster."""
    if profile.get("Subnets"):
        public, private, unclear = _sorted_subnets(profile, "Subnets")
        if public:
            return open_("names a public subnet: EKS refuses it", *public)
        if unclear:
            raise UnknownValue(unclear[0], "its routes were not read")
        return met(f"runs pods in {private} private subnets", profile.at("Subnets"))
    if not profile.cluster:
        raise UnknownValue(profile.at("Subnets"), "its cluster was not read")
    path = "ResourcesVpcConfig.SubnetIds"
    public, private, unclear = _sorted_subnets(profile.cluster, path)
    if private:
        return met("leaves the choice to EKS, which takes private subnets of the cluster", profile.cluster.at(path))
    if public and not unclear:
        return open_("names no subnets, and its cluster has public ones only", profile.at("Subnets"))
    raise UnknownValue(profile.at("Subnets"), "no subnet is named, and the cluster's were not read")


def _sorted_subnets(owner: FargateProfile | Cluster, path: str) -> tuple[list[Evidence], int, list[Evidence]]:
    """Returns where public subnets are named, how many are private, and where that is unknown."""
    public: list[Evidence] = []
    unclear: list[Evidence] = []
    private = 0
    for at, value in owner.resource.items(path):
        subnet = owner.facts.find(Subnet, value)
        reach = subnet.reach if subnet else "unknown"
        if reach == "public":
            public.append(owner.at(at))
        elif reach == "unknown":
            unclear.append(owner.at(at))
        else:
            private += 1
    return public, private, unclear


@check("EKR059", FargateProfile)
def selectors_fit(profile: FargateProfile) -> Answer:
    """The quota is five of each profile."""
    selectors = _selectors(profile)
    count = len(selectors)
    if not 1 <= count <= _MOST_SELECTORS:
        return open_(f"has {count} selectors", profile.at("Selectors"))
    bare = [profile.at(f"{selector.path}.Namespace") for selector in selectors if not selector.namespace]
    if bare:
        return open_("has a selector without a namespace", *bare)
    return met(f"has {count} selector{'s' if count > 1 else ''}", profile.at("Selectors"))


@check("EKR120", Cluster)
def dns_runs_on_fargate(cluster: Cluster) -> Answer | None:
    """Applies where Fargate is the only compute."""
    if not cluster.fargate_profiles:
        return None
    if not cluster.has_only("fargate"):
        return not_applicable("other compute takes CoreDNS")
    for profile in cluster.fargate_profiles:
        for selector in _selectors(profile):
            if selector.takes(_SYSTEM, _DNS_LABELS):
                return _dns_is_for_fargate(cluster, profile, selector.path)
    return open_("has no profile that selects the CoreDNS pods", *(p.at("Selectors") for p in cluster.fargate_profiles))


def _dns_is_for_fargate(cluster: Cluster, profile: FargateProfile, path: str) -> Answer:
    """Answers for CoreDNS whose labels a profile takes: its pods are marked for EC2 unless configured otherwise.

    Raises UnknownValue where EKS installs it by itself, and no patch of its Deployment is in what was read.
    """
    addon = cluster.addons.get("coredns")
    if not addon:
        patches = cluster.facts.of_type("Custom::AWSCDK-EKS-KubernetesPatch")
        if cluster.bootstrap_addons and not any(
            _PATCHED in str(one.resource.maybe("ResourceName", "")) for one in patches
        ):
            raise UnknownValue(
                cluster.at("BootstrapSelfManagedAddons"),
                "EKS installs CoreDNS for EC2: whether somebody removes its compute-type annotation is not known here",
            )
        return met(f"runs CoreDNS by {profile.words}", profile.at(path))
    settings = settings_of(addon)
    if isinstance(settings, dict) and str(settings.get("computeType", "")).lower() == "fargate":
        return met(f"runs CoreDNS by {profile.words}", profile.at(path), addon.at("ConfigurationValues"))
    return open_(
        "has CoreDNS configured for EC2: its add-on lacks computeType Fargate", addon.at("ConfigurationValues")
    )


@check("EKR121", FargateProfile)
def kube_system_is_not_taken_whole(profile: FargateProfile) -> Answer:
    """In a cluster with Fargate only it is meant: pods of kube-system have nowhere else to go."""
    found = _selectors(profile)
    whole = [profile.at(selector.path) for selector in found if selector.meets(_SYSTEM) and selector.takes_any_label]
    if not whole:
        return met("leaves the other controllers in kube-system alone", profile.at("Selectors"))
    cluster = profile.cluster
    if not cluster:
        raise UnknownValue(whole[0], "whether the cluster has other compute was not read")
    if cluster.has_only("fargate"):
        return not_applicable("Fargate is the only compute of the cluster")
    return open_("selects every pod in kube-system, although there is other compute", *whole)


@check("EKR122", Cluster)
def logs_are_routed(cluster: Cluster) -> Answer | None:
    """Unknown where no Kubernetes object of the cluster was read."""
    if not cluster.fargate_profiles:
        return None
    for item in software.objects(cluster, "ConfigMap"):
        if item.name == "aws-observability/aws-logging":
            return met("routes them by the ConfigMap aws-logging", item.at("data"))
    evidence = [profile.at() for profile in cluster.fargate_profiles]
    if not software.shows_software(cluster):
        raise UnknownValue(evidence[0], "no Kubernetes object of the cluster was read")
    return open_("has no ConfigMap aws-logging in aws-observability", *evidence)


@check("EKR068", PodIdentity)
def identity_is_not_for_fargate(association: PodIdentity) -> Answer | None:
    """By the namespace where a selector takes all of it, else by the workloads that were read."""
    cluster = association.cluster
    if not cluster or not cluster.fargate_profiles:
        return None
    namespace, account = str(association.namespace), association.service_account
    near = [item for profile in cluster.fargate_profiles for item in _selectors(profile) if item.meets(namespace)]
    if any(not item.labels for item in near):
        return open_(f"is for {namespace}, where Fargate selects every pod", association.at("Namespace"))
    users = [
        workload
        for workload in cluster.facts.belonging(Workload, cluster.resource.key)
        if workload.namespace == namespace and workload.pod("serviceAccountName", "default") == account
    ]
    if any(item.takes(namespace, user.pod_labels) for item in near for user in users):
        return open_("is used by pods on Fargate", association.at("ServiceAccount"))
    if near and not users:
        raise UnknownValue(
            association.at("ServiceAccount"), f"the labels of its pods decide whether {namespace} is Fargate's"
        )
    if near:
        association.facts.view(Objects).raise_unjoined(cluster.resource.key)
    return met("is for pods on nodes", association.at("Namespace"))
