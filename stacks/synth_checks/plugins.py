"""Checks of every synth: the CDK's own validation, cdk-nag's AwsSolutions and NIST 800-53 r5 packs, and the review's."""

from datetime import date

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks

from stacks.platform import Platform
from stacks.synth_checks.acknowledgements import acknowledge
from stacks.synth_checks.review import ReviewChecks


def add_checks(app: cdk.App, platform: Platform, today: date) -> None:
    """Adds the checks to ``app``, as of ``today``; a finding that acknowledgements.yaml does not name fails the synth."""
    acknowledge(platform)
    add_plugins(app, today)


def add_plugins(app: cdk.App, today: date) -> None:
    """Adds the checks to ``app``, as of ``today``."""
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app), NIST80053R5Checks(app), ReviewChecks(today))
