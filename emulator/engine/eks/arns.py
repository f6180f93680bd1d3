"""The resource that a policy must name for a request to EKS; ministack checks the cluster alone.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html
"""

from typing import Any

from emulator.engine import port

_KINDS = {
    "node-groups": "nodegroup",
    "fargate-profiles": "fargateprofile",
    "addons": "addon",
    "access-entries": "access-entry",
    "pod-identity-associations": "podidentityassociation",
    "capabilities": "capability",
}
"""Resource types by their part of the path. For other requests, and those that create or list, the resource is the cluster."""


def install() -> None:
    """Takes the look-up of a request's resource over, for EKS."""

    def replacement(original: Any) -> Any:
        def arn_of_request(service: str, method: str, path: str, *rest: Any) -> str:
            parts = path.strip("/").split("/")
            if service == "eks" and len(parts) > 3 and parts[0] == "clusters" and parts[2] in _KINDS:
                region, account = rest[-2:]
                return f"arn:aws:eks:{region}:{account}:{_KINDS[parts[2]]}/{parts[1]}/{parts[3]}/any"
            return str(original(service, method, path, *rest))

        return arn_of_request

    port.replace("arn_of_request", replacement)
