"""A CDK app that includes templates as they are and runs cdk-nag on them: `python -m tests.accuracy.nag_app FOLDER OUT`.

OUT gets an assembly of each and said.json: the rules that fired, by template. What the CDK does not take is not in it.
CfnInclude makes clusters of `aws_eks_v2`, and cdk-nag's rules know those of `aws_eks` alone: each cluster is made once more.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_eks as eks
from aws_cdk.cloudformation_include import CfnInclude
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks

from responsibility.reading.template import parse


def main(folder: Path, out: Path) -> None:
    """Makes an app of each template, and judges it. One that the CDK does not take is left out."""
    out.mkdir()
    said: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.template.*")):
        assembly = out / path.name
        try:
            _synth(path, assembly)
        except RuntimeError as error:
            if "ValidationFailed" not in str(error):  # that is what this is for
                continue
        report = json.loads((assembly / "validation-report.json").read_text())
        said[path.name] = [one["ruleName"] for plugin in report["pluginReports"] for one in plugin["violations"]]
    (out / "said.json").write_text(json.dumps(said))


def _synth(path: Path, assembly: Path) -> None:
    app = cdk.App(outdir=str(assembly), analytics_reporting=False)
    stack = cdk.Stack(app, "stack")
    CfnInclude(stack, "included", template_file=str(path))
    for logical_id, resource in parse(path.read_text(), str(path))[0]["Resources"].items():
        if resource.get("Type") == "AWS::EKS::Cluster":
            _as_known(stack, f"{logical_id}AsKnown", resource.get("Properties") or {})
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app), NIST80053R5Checks(app))
    app.synth()


def _as_known(stack: cdk.Stack, name: str, properties: Mapping[str, Any]) -> None:
    public = (properties.get("ResourcesVpcConfig") or {}).get("EndpointPublicAccess")
    logging = (properties.get("Logging") or {}).get("ClusterLogging") or {}
    kinds = logging.get("EnabledTypes") or []
    made = eks.CfnCluster.LoggingTypeConfigProperty
    eks.CfnCluster(
        stack,
        name,
        role_arn="arn:aws:iam::123456789012:role/cluster",
        resources_vpc_config=eks.CfnCluster.ResourcesVpcConfigProperty(
            subnet_ids=[], endpoint_public_access=public if isinstance(public, bool) else None
        ),
        logging=eks.CfnCluster.LoggingProperty(
            cluster_logging=eks.CfnCluster.ClusterLoggingProperty(
                enabled_types=[made(type=kind["Type"]) for kind in kinds if isinstance(kind, dict) and "Type" in kind]
            )
        ),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
