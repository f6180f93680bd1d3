"""A CDK app that includes templates as they are and runs cdk-nag on them: `python -m tests.accuracy.nag_app FOLDER OUT`.

OUT gets the assembly, its validation-report.json, and names.json: the template of each stack. What CfnInclude does not take is not
in it. CfnInclude makes clusters of `aws_eks_v2`, and cdk-nag's rules know those of `aws_eks` alone: each cluster is made once more.
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
    """Makes a stack of each template, and judges them."""
    app = cdk.App(outdir=str(out), analytics_reporting=False)
    names = {}
    for number, path in enumerate(sorted(folder.glob("*.template.*"))):
        stack = cdk.Stack(app, f"s{number}")
        try:
            CfnInclude(stack, "included", template_file=str(path))
        except RuntimeError:
            app.node.try_remove_child(stack.node.id)
            continue
        names[stack.node.id] = path.name
        for logical_id, resource in parse(path.read_text(), str(path))[0]["Resources"].items():
            if resource.get("Type") == "AWS::EKS::Cluster":
                _as_known(stack, f"{logical_id}AsKnown", resource.get("Properties") or {})
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app), NIST80053R5Checks(app))
    try:
        app.synth()
    except RuntimeError as error:
        if "ValidationFailed" not in str(error):  # that is what this is for
            raise
    (out / "names.json").write_text(json.dumps(names))


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
