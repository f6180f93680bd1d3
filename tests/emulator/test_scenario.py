"""What audits and upgrades read of EKS beside its resources, and failures on demand."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from emulator.process import Engine
from emulator.status import client
from tests.emulator.clusters import clusters
from tests.emulator.scenario import change_record, fault, let_fail

pytestmark = pytest.mark.xdist_group("emulator")


@pytest.fixture(autouse=True)
def _no_fault_stays(engine: Engine) -> Iterator[None]:
    yield
    let_fail(engine)


def test_insights_pass_until_one_does_not(engine: Engine) -> None:
    eks = client(engine, "eks")
    with clusters(engine, "insights"):
        found = eks.list_insights(clusterName="insights")["insights"]
        assert {one["insightStatus"]["status"] for one in found} == {"PASSING"}
        failing = {"status": "ERROR", "reason": "a client calls an API that goes away"}
        change_record(engine, "insight", "insights", found[0]["id"], insightStatus=failing)
        (only,) = eks.list_insights(clusterName="insights", filter={"statuses": ["ERROR"]})["insights"]
        described = eks.describe_insight(clusterName="insights", id=only["id"])["insight"]
    assert described["insightStatus"] == failing


def test_the_newest_version_of_an_add_on_fits_the_next_kubernetes_too(engine: Engine) -> None:
    def versions(kubernetes: str) -> dict[str, bool]:
        (addon,) = client(engine, "eks").describe_addon_versions(addonName="coredns", kubernetesVersion=kubernetes)[
            "addons"
        ]
        return {one["addonVersion"]: one["compatibilities"][0]["defaultVersion"] for one in addon["addonVersions"]}

    now, then = versions("1.35"), versions("1.36")
    newest, second, *_ = now
    assert newest in then
    assert [version for version, default in now.items() if default] == [second]


def test_releases_of_amis_are_public_parameters(engine: Engine) -> None:
    name = "/aws/service/eks/optimized-ami/1.36/amazon-linux-2023/arm64/standard/recommended/release_version"
    assert client(engine, "ssm").get_parameter(Name=name)["Parameter"]["Value"].startswith("1.36.")


def test_an_operation_fails_as_often_as_it_is_told(engine: Engine) -> None:
    eks = client(engine, "eks")
    let_fail(engine, fault("ListClusters", "AccessDeniedException", times=1))
    with pytest.raises(ClientError) as refusal:
        eks.list_clusters()
    assert refusal.value.response["Error"]["Code"] == "AccessDeniedException"
    eks.list_clusters()


def test_an_operation_fails_until_it_is_told_otherwise(engine: Engine) -> None:
    eks = client(engine, "eks")
    let_fail(engine, fault("ListClusters", "ExpiredTokenException"))
    for _ in range(2):
        with pytest.raises(ClientError):
            eks.list_clusters()
    let_fail(engine)
    eks.list_clusters()


def test_boto3_outlasts_throttling(engine: Engine) -> None:
    let_fail(engine, fault("ListClusters", "ThrottlingException", times=1))
    client(engine, "eks").list_clusters()
