"""Installs the emulator's additions in ministack."""

import json
import os
from pathlib import Path
from typing import Any

from eks_facts.versions import kubernetes_versions
from emulator.engine import (
    autoscaling,
    conditions,
    functions,
    iam,
    instances,
    kept,
    log_delivery,
    port,
    provider,
    public_registry,
    roles_anywhere,
)
from emulator.engine.account import Account
from emulator.engine.activations import Activations
from emulator.engine.authentication import Authentication
from emulator.engine.confinement import allowed
from emulator.engine.ec2 import resource_types as ec2_types
from emulator.engine.eks import (  # noqa: F401 - they register their operations
    access,
    addons,
    arns,
    certificates,
    clusters,
    compute,
    identity_providers,
    insights,
    scenario,
)
from emulator.engine.eks.releases import PublicParameters, public_parameters
from emulator.engine.eks.resource_types import eks_types
from emulator.engine.eks.service import Eks
from emulator.engine.eks.state import State
from emulator.engine.eks.tokens import review
from emulator.engine.kubernetes.control_planes import ControlPlanes
from emulator.engine.provider import RESOURCE_TYPES
from emulator.engine.schemas import Schemas


def install(authentication: Authentication, *, schemas: Path) -> None:
    """Extends ministack: EKS in place of its own, EC2's missing types, the schemas before every resource."""
    port.replace("parameters_of_aws", PublicParameters)
    port.public_parameters.update(public_parameters(kubernetes_versions()))
    account = Account()
    control_planes = ControlPlanes(account, authentication.webhook_token)
    states: dict[tuple[str, str], State] = {}

    def eks() -> Eks:
        key = (port.account_id(), port.region())
        if key not in states:
            states[key] = State(*key, operation_seconds=float(os.environ.get("EMULATOR_OPERATION_SECONDS", "0.02")))
        return Eks(states[key], account, control_planes)

    def handle(method: str, path: str, _headers: Any, body: bytes, query: dict[str, list[str]]) -> Any:
        if path == scenario.PATH:
            scenario.play(eks().state, json.loads(body))
            return 200, {"Content-Type": "application/json"}, b"{}"
        if path.startswith("/_ministack/eks-auth/"):
            account_id, region, cluster = path.split("/")[3:6]
            reviewed = review(json.loads(body), states[account_id, region], cluster, authentication.principal_of)
            return 200, {"Content-Type": "application/json"}, json.dumps(reviewed).encode()
        status, content, code = eks().request(method, path, query, body)
        headers = {"Content-Type": "application/json"}
        if code:
            headers["x-amzn-errortype"] = code
        return status, headers, content

    port.replace("answer_eks", lambda _: handle)
    port.replace("make_tls_material", _allowed)  # openssl makes the certificate of strict mode
    functions.install()
    conditions.install()
    arns.install()
    ec2_types.install()
    iam.install()
    kept.install()
    log_delivery.install()
    autoscaling.install(instances.refresh)
    instances.install(lambda: eks().state)
    roles_anywhere.install()
    public_registry.install()
    Activations(account).install()
    RESOURCE_TYPES.update(eks_types(eks))
    provider.install(Schemas(schemas, os.environ.get("MINISTACK_REGION", "us-west-2")))


def _allowed(function: Any) -> Any:
    """Lets a function of ministack start programs."""

    def run(*arguments: Any) -> Any:
        with allowed():
            return function(*arguments)

    return run
