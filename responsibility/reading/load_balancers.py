"""Load balancers that Kubernetes objects ask for: who makes them, and how they face the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from responsibility.reading.charts import HelmChart
from responsibility.reading.eks import Cluster
from responsibility.reading.embedded import NoData, json_in
from responsibility.reading.kubernetes import KubernetesObject
from responsibility.reading.network import is_internet
from responsibility.reading.objects import Objects
from responsibility.reading.resource import UnknownValue

Maker = Literal["legacy", "controller", "auto_mode", "other"]
"""The cloud provider inside Kubernetes, the AWS Load Balancer Controller, Auto Mode, or nobody of AWS's."""

ALB = "alb.ingress.kubernetes.io/"
NLB = "service.beta.kubernetes.io/aws-load-balancer-"
_ALB_MAKERS: dict[str, Maker] = {"ingress.k8s.aws/alb": "controller", "eks.amazonaws.com/alb": "auto_mode"}
_NLB_MAKERS: dict[str, Maker] = {"service.k8s.aws/nlb": "controller", "eks.amazonaws.com/nlb": "auto_mode"}
_OTHER_CLASSES = ("nginx", "traefik", "haproxy", "kong", "istio", "contour", "envoy", "gce")


@dataclass(frozen=True, slots=True)
class Balancer:
    """What a Service or an Ingress asks for."""

    of: KubernetesObject
    maker: Maker
    params: KubernetesObject | None = None
    """The IngressClassParams of an Ingress: they go before its annotations."""

    def _by_class(self, path: str) -> Any:
        return self.params.get(f"spec.{path}") if self.params else None

    @property
    def scheme(self) -> str:
        """What is said: ``internal`` or ``internet-facing``; empty = nothing. Raises UnknownValue."""
        if self.of.what == "Ingress":
            scheme = str(self._by_class("scheme") or "") or self.of.annotation(f"{ALB}scheme")
        # Auto Mode reads no such annotation (auto-configure-nlb.html).
        elif self.maker != "auto_mode" and self.of.annotation(f"{NLB}internal") in ("true", "0.0.0.0/0"):
            scheme = "internal"
        else:
            scheme = self.of.annotation(f"{NLB}scheme")
        if scheme not in ("", "internal", "internet-facing"):
            raise UnknownValue(
                self.of.at("metadata.annotations"), f"{scheme} is no scheme: internal or internet-facing"
            )
        return scheme

    @property
    def internet_facing(self) -> bool:
        """Whether it gets public addresses. Raises UnknownValue."""
        return self.scheme == "internet-facing" or (not self.scheme and self.maker == "legacy")

    @property
    def callers(self) -> tuple[Literal["nobody", "some", "everybody"], str]:
        """Who on the internet may connect, and in words. Raises UnknownValue.

        Without a scheme a load balancer of AWS's controllers is internal; that of Kubernetes' cloud provider is not.
        Security groups that are named decide alone: the controller leaves ranges out then
        (https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/).
        """
        if not self.internet_facing:
            return "nobody", "is internal" if self.scheme else "is internal, the controller's default"
        if self.own_groups:
            raise UnknownValue(
                self.of.at("metadata.annotations"), "the security groups that it names decide who may connect"
            )
        named = [cidr for cidr in self.ranges if not is_internet(cidr)]
        if named and len(named) == len(self.ranges):
            return "some", f"is open to {', '.join(named)}"
        if self.prefix_lists and not self.ranges:
            return "some", "is open to prefix lists"
        default = "" if self.scheme else ", as it does where no scheme is set,"
        return "everybody", f"faces the internet{default} and is open to everybody"

    @property
    def ranges(self) -> list[str]:
        """The address ranges that may connect; empty: everybody. Raises UnknownValue."""
        if self.params and self.params.get("spec.inboundCIDRs"):
            return self.params.texts("spec.inboundCIDRs")
        if self.of.get("spec.loadBalancerSourceRanges"):
            return self.of.texts("spec.loadBalancerSourceRanges")
        # Auto Mode reads no such annotation of a Service.
        older = "" if self.maker == "auto_mode" else "service.beta.kubernetes.io/load-balancer-source-ranges"
        found = self.of.annotation(f"{ALB}inbound-cidrs" if self.of.what == "Ingress" else older)
        return [item.strip() for item in found.split(",") if item.strip()]

    @property
    def prefix_lists(self) -> bool:
        """Whether managed prefix lists say who may connect. Raises UnknownValue."""
        prefix = ALB if self.of.what == "Ingress" else NLB
        return bool(self._by_class("prefixListsIDs") or self.of.annotation(f"{prefix}security-group-prefix-lists"))

    @property
    def own_groups(self) -> bool:
        """Whether it names security groups: then those decide who may connect. Raises UnknownValue."""
        return bool(self.of.annotation(f"{ALB if self.of.what == 'Ingress' else NLB}security-groups"))

    @property
    def certificates(self) -> bool:
        """Whether a certificate is named. Raises UnknownValue."""
        if self.of.what != "Ingress":
            return bool(self._mentions(f"{NLB}ssl-cert"))
        named = self._by_class("certificateARNs") or self._by_class("certificateArn")
        return bool(named) or self._mentions(f"{ALB}certificate-arn")

    def _mentions(self, annotation: str) -> bool:
        """Whether there is an annotation, with any value: a certificate's ARN is often a reference."""
        return bool(self.of.mapping("metadata.annotations").get(annotation))

    @property
    def target_type(self) -> str:
        """``ip`` or ``instance``. Raises UnknownValue."""
        if self.of.what == "Ingress":
            named = self._by_class("targetType") or self.of.annotation(f"{ALB}target-type")
        else:
            named = (
                "ip" if self.of.annotation(f"{NLB}type") == "nlb-ip" else self.of.annotation(f"{NLB}nlb-target-type")
            )
        if self.maker == "legacy":
            return "instance"
        return str(named) or ("ip" if self.maker == "auto_mode" else default_target_type(self.of))


def service_balancer(service: KubernetesObject) -> Balancer | None:
    """Returns the load balancer of a Service; None = it asks for none. Raises UnknownValue."""
    if service.what != "Service" or service.get("spec.type") != "LoadBalancer":
        return None
    named = service.get("spec.loadBalancerClass")
    if named:
        return Balancer(service, _NLB_MAKERS.get(str(named), "other"))
    if service.annotation(f"{NLB}type") in ("external", "nlb-ip"):
        return Balancer(service, "controller")
    cluster = service.facts.get(Cluster, service.cluster_key)
    if cluster and cluster.auto_load_balancing:
        return Balancer(service, "auto_mode")
    values = _controller_values(service)
    # The controller's webhook gives its class to every new Service, unless its chart was told not to.
    if values is not None and values.get("enableServiceMutatorWebhook", True) is not False:
        return Balancer(service, "controller")
    return Balancer(service, "legacy")


def ingress_balancer(ingress: KubernetesObject) -> Balancer | None:
    """Returns the Application Load Balancer of an Ingress; None = it is not an Ingress. Raises UnknownValue."""
    if ingress.what != "Ingress":
        return None
    objects = ingress.facts.view(Objects)
    if old := ingress.annotation("kubernetes.io/ingress.class"):
        # The older way names the controller: no IngressClass is looked up.
        return Balancer(ingress, "controller" if old == "alb" else "other")
    name = str(ingress.get("spec.ingressClassName", ""))
    found = objects.of_class("IngressClass", ingress, name) if name else _default_class(ingress)
    if found:
        maker = _ALB_MAKERS.get(found.words_of("spec.controller"), "other")
        params = objects.of_class("IngressClassParams", ingress, str(found.get("spec.parameters.name", "")))
        if not params and found.get("spec.parameters.name") and maker != "other":
            raise UnknownValue(found.at("spec.parameters"), "these IngressClassParams were not read")
        return Balancer(ingress, maker, params)
    if name == "alb" or any(str(key).startswith(ALB) for key in ingress.mapping("metadata.annotations")):
        return Balancer(ingress, "controller")
    if any(word in name for word in _OTHER_CLASSES):
        return Balancer(ingress, "other")
    where = ingress.at("spec.ingressClassName")
    raise UnknownValue(where, f"IngressClass {name} was not read" if name else "no class is named")


def _default_class(ingress: KubernetesObject) -> KubernetesObject | None:
    for found in ingress.facts.view(Objects).in_cluster("IngressClass", ingress):
        if found.annotation("ingressclass.kubernetes.io/is-default-class") == "true":
            return found
    return None


def _controller_values(item: KubernetesObject) -> dict[str, Any] | None:
    """Returns the values of the controller's chart; None = the chart was not read."""
    for chart in item.facts.belonging(HelmChart, item.cluster_key):
        if str(chart.resource.maybe("Chart", "")).rsplit("/", 1)[-1] == "aws-load-balancer-controller":
            values = chart.resource.maybe("Values")
            try:
                values = json_in(values) if isinstance(values, str) else values
            except NoData:
                values = {}
            return values if isinstance(values, dict) else {}
    return None


def default_target_type(item: KubernetesObject) -> str:
    """Returns what the AWS Load Balancer Controller of the cluster registers, where nothing is said."""
    return str((_controller_values(item) or {}).get("defaultTargetType", "instance"))
