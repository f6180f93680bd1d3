"""The checks of the review that are marked for the synth, as a policy validation plugin of the CDK."""

from datetime import date
from pathlib import Path

import aws_cdk as cdk
import jsii

from responsibility.checks import all_checks
from responsibility.checks.run import run
from responsibility.findings import Evidence
from responsibility.reading.reader import read as read_facts
from responsibility.reading.sources import read


@jsii.implements(cdk.IPolicyValidationPlugin)
class ReviewChecks:
    """Judges all templates of a synth together. A check that cannot tell fails it too: unknown is not safe."""

    def __init__(self, today: date) -> None:
        """Judges support dates as of ``today``."""
        self._today = today
        self._checks = [check for check in all_checks("templates") if check.synth]

    @property
    def name(self) -> str:
        """Name in the validation report."""
        return "Review"

    @property
    def version(self) -> str:
        """Version of the plugin."""
        return "1"

    @property
    def rule_ids(self) -> list[str]:
        """Codes of the checks."""
        return [check.info.code for check in self._checks]

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Returns what is open or unknown in the synthesised templates. Raises RuntimeError if a check itself crashes."""
        files = {Path(path).name: path for path in context.template_paths}
        facts = read_facts(read(str(Path(context.template_paths[0]).parent)), self._today)
        infos = {check.info.code: check.info for check in self._checks}
        violations = []
        for finding in run(self._checks, facts):
            if finding.defect:
                raise RuntimeError(f"{finding.code}: {finding.defect}")
            if finding.status in ("open", "unknown"):
                info = infos[finding.code]
                violations.append(
                    cdk.PolicyViolation(
                        rule_name=info.code,
                        description=f"{info.title}: {finding.subject} {finding.detail}",
                        fix=info.fix,
                        severity="error",
                        violating_resources=[_resource(one, files) for one in finding.evidence],
                    )
                )
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)


def _resource(evidence: Evidence, files: dict[str, str]) -> cdk.PolicyViolatingResource:
    return cdk.PolicyViolatingResource(
        resource_logical_id=evidence.resource,
        template_path=files[Path(evidence.file).name],
        locations=[f"Properties/{evidence.path.replace('.', '/')}"],
    )
