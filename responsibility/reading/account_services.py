"""Facts about services beside a cluster that guard what runs in it: GuardDuty, and ECR's repositories."""

from __future__ import annotations

from responsibility.reading.facts import Fact
from responsibility.reading.properties import Prop


class Detector(Fact):
    """GuardDuty in an account and region: ``AWS::GuardDuty::Detector``."""

    what = "GuardDuty detector"
    enabled = Prop("Enable", False)


class Repository(Fact):
    """A repository of images: ``AWS::ECR::Repository``."""

    what = "ECR repository"
    name_path = "RepositoryName"
    mutability = Prop("ImageTagMutability", "MUTABLE")
    scans = Prop("ImageScanningConfiguration.ScanOnPush", False)
