"""Amazon Managed Service for Prometheus: a scraper that AWS runs reads the metrics of a cluster, without an agent in it.

https://docs.aws.amazon.com/prometheus/latest/userguide/AMP-collector-how-to.html
"""

from base64 import b64encode
from typing import Annotated, Any

import yaml
from aws_cdk import aws_aps as aps
from constructs import Construct
from pydantic import Field, model_validator

from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.spec import PARTITION, Misplaced, Spec, pattern
from eks_facts.files import load

WorkspaceArn = Annotated[
    str,
    pattern(
        rf"arn:{PARTITION}:aps:[a-z0-9-]{{1,30}}:\d{{12}}:workspace/ws-[a-z0-9-]{{10,60}}",
        "must be the ARN of a workspace of Amazon Managed Service for Prometheus: arn:aws:aps:REGION:ACCOUNT:workspace/ws-ID",
    ),
]


class PrometheusSpec(Spec):
    """A scraper of Amazon Managed Service for Prometheus. It gives itself access to the cluster by an access entry."""

    workspace_arn: WorkspaceArn | None = None
    """Where the metrics go: a workspace that exists, of the same region. Default: one is made in the foundation, for all clusters of the
    environment, and stays as the foundation does."""
    configuration: Annotated[dict[str, Any], Field(examples=[{"scrape_configs": [{"job_name": "pods"}]}])] = {}
    """What is scraped, as Prometheus spells it. Default: the API server, scheduler and controller manager, kubelets and their
    containers, and pods with the annotation prometheus.io/scrape."""

    @model_validator(mode="after")
    def _jobs(self) -> "PrometheusSpec":
        jobs = self.configuration.get("scrape_configs")
        if self.configuration and not (isinstance(jobs, list) and jobs):
            raise Misplaced("has no scrape_configs, a list of jobs", "configuration")
        for key in self.configuration:
            # https://docs.aws.amazon.com/prometheus/latest/userguide/AMP-collector-how-to.html#AMP-collector-configuration
            if key not in ("global", "scrape_configs"):
                raise Misplaced(
                    "is no part of a scraper's configuration: global and scrape_configs are", "configuration", key
                )
        return self


class Scraper(Construct):
    """The scraper. Its role is AWS's own, and so is the access entry that the service makes for it in the cluster."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        spec: PrometheusSpec,
        *,
        cluster: ClusterHandle,
        workspace_arn: str,
        subnet_ids: list[str],
        security_group_id: str,
    ) -> None:
        """Makes it, with a network interface in each of ``subnet_ids``, and with the cluster's own security group."""
        super().__init__(scope, construct_id)
        configuration = spec.configuration or load("prometheus_scrape")["configuration"]
        text = yaml.safe_dump(configuration, sort_keys=True)
        aps.CfnScraper(
            self,
            "Default",
            alias=cluster.name,
            source=aps.CfnScraper.SourceProperty(
                eks_configuration=aps.CfnScraper.EksConfigurationProperty(
                    cluster_arn=cluster.arn, subnet_ids=subnet_ids, security_group_ids=[security_group_id]
                )
            ),
            destination=aps.CfnScraper.DestinationProperty(
                amp_configuration=aps.CfnScraper.AmpConfigurationProperty(workspace_arn=workspace_arn)
            ),
            scrape_configuration=aps.CfnScraper.ScrapeConfigurationProperty(
                configuration_blob=b64encode(text.encode()).decode()
            ),
        )
