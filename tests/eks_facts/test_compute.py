"""The sizes of Fargate, and what EKS takes where a node group names no AMI type."""

import pytest

from eks_facts import fargate
from eks_facts.instances import ami_types, architecture, default_ami_type, device_of


@pytest.mark.parametrize(
    ("cpu", "gib", "given"),
    [
        (0, 0, (0.25, 0.5)),
        (0.25, 0.25, (0.25, 0.5)),
        (0.25, 0.5, (0.25, 1)),
        (0.25, 1.75, (0.25, 2)),
        (1, 8, (2, 9)),
        (0.3, 0.1, (0.5, 1)),
        (4, 29.75, (4, 30)),
        (8, 16, (8, 20)),
        (16, 119.75, (16, 120)),
        (16, 120, None),
        (17, 1, None),
    ],
)
def test_fargate_rounds_a_pod_up(cpu: float, gib: float, given: tuple[float, float] | None) -> None:
    assert fargate.size(cpu, gib * fargate.GIB) == given


def test_what_a_pod_can_request_at_most_has_a_size() -> None:
    most = fargate.largest_request()
    assert fargate.size(most["cpu"], most["memory"]) == (16, 120)
    assert fargate.size(most["cpu"], most["memory"] + 1) is None
    assert most["ephemeral-storage"] == 175 * fargate.GIB


@pytest.mark.parametrize(
    ("version", "ami_type"),
    [
        ("1.29", "AL2_x86_64"),
        ("1.30", "AL2023_x86_64_STANDARD"),
        ("1.36", "AL2023_x86_64_STANDARD"),
        ("", "AL2023_x86_64_STANDARD"),
    ],
)
def test_the_ami_type_of_a_group_that_names_none(version: str, ami_type: str) -> None:
    assert default_ami_type(version).name == ami_type


def test_releases_have_a_parameter_except_those_of_windows() -> None:
    assert {ami.family for ami in ami_types().values() if not ami.release_parameter("1.36")} == {"windows"}
    parameter = ami_types()["BOTTLEROCKET_ARM_64_NVIDIA_FIPS"].release_parameter("1.36")
    assert parameter == "/aws/service/bottlerocket/aws-k8s-1.36-nvidia-fips/arm64/latest/image_version"


@pytest.mark.parametrize(
    ("instance_type", "processor", "device"),
    [
        ("m7g.large", "arm64", None),
        ("g5g.xlarge", "arm64", "nvidia"),
        ("p6e-gb200.36xlarge", "arm64", "nvidia"),
        ("g4ad.xlarge", "x86_64", "amd"),
        ("g4dn.xlarge", "x86_64", "nvidia"),
        ("inf2.xlarge", "x86_64", "neuron"),
        ("m7i-flex.large", "x86_64", None),
    ],
)
def test_instances(instance_type: str, processor: str, device: str | None) -> None:
    assert (architecture(instance_type), device_of(instance_type)) == (processor, device)
