"""The checks of the review that are marked for the synth, as a policy validation plugin of the CDK."""

from datetime import date
from pathlib import Path

import aws_cdk as cdk
import jsii

from responsibility.checks import all_checks
from responsibility.checks.check import Check
from responsibility.checks.run import run
from responsibility.findings import Evidence, Finding
from responsibility.reading.existing import EXISTING
from responsibility.reading.reader import read as read_facts
from responsibility.reading.sources import read


@jsii.implements(cdk.IPolicyValidationPlugin)
class ReviewChecks:
    """Judges all templates of a synth together. A check that cannot tell fails it too: unknown is not safe."""

    def __init__(self, today: date) -> None:
        """Judges support dates as of ``today``."""
        self._today = today

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
        return [check.info.code for check in _marked()]

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Returns what is open or unknown in the synthesised templates. Raises RuntimeError if a check itself crashes."""
        files = {Path(path).name: path for path in context.template_paths}
        infos = {check.info.code: check.info for check in _marked()}
        violations = [
            cdk.PolicyViolation(
                rule_name=finding.code,
                description=f"{infos[finding.code].title}: {_words(finding)}",
                fix=infos[finding.code].fix,
                severity="error",
                violating_resources=[_resource(one, files) for one in finding.evidence],
            )
            for finding in refused(Path(context.template_paths[0]).parent, self._today)
        ]
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)


def refused(assembly: Path, today: date) -> list[Finding]:
    """Returns what is open or unknown in the templates of a folder. Raises RuntimeError if a check itself crashes."""
    findings = run(_marked(), read_facts(read(str(assembly)), today))
    if crashed := next((finding for finding in findings if finding.defect), None):
        raise RuntimeError(f"{crashed.code}: {crashed.defect}")
    return [finding for finding in findings if finding.status in ("open", "unknown") and not _of_another(finding)]


def _of_another(finding: Finding) -> bool:
    """Whether it is about a cluster that the compute joins: who made that answers for it. A review shows it all the same."""
    return all(one.resource == EXISTING for one in finding.evidence)


def _marked() -> list[Check]:
    return [check for check in all_checks("templates") if check.synth]


def _words(finding: Finding) -> str:
    """Returns the finding; an unknown one is marked, because nothing may be wrong."""
    found = f"{finding.subject} {finding.detail}"
    return f"{found} (unknown: the template does not say)" if finding.status == "unknown" else found


def _resource(evidence: Evidence, files: dict[str, str]) -> cdk.PolicyViolatingResource:
    return cdk.PolicyViolatingResource(
        resource_logical_id=evidence.resource,
        template_path=files[Path(evidence.file).name],
        locations=[f"Properties/{evidence.path.replace('.', '/')}"],
    )
