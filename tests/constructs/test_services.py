"""AWS services around a cluster: alarms, backups, metrics, GuardDuty."""

from base64 import b64decode

import pytest
import yaml
from pydantic import ValidationError

from eks_constructs.backups import BackupSpec
from eks_facts.files import load
from tests.support.environments import environment_data, minimal, validated
from tests.support.templates import of_type, only

TOPIC = "arn:aws:sns:eu-west-1:123456789012:on-call"
SERVICES, FOUNDATION = "t-services-c", "t-foundation"


def synthesised(synth, top=None, **cluster):
    return synth(minimal(**cluster) | (top or {}))


def test_a_cluster_without_these_keys_has_no_such_stack(synth):
    assert SERVICES not in synthesised(synth)


def test_each_alarm_watches_metrics_of_this_cluster_and_tells_the_topics(synth):
    alarms = of_type(synthesised(synth, alarms={"topics": [TOPIC]})[SERVICES], "AWS::CloudWatch::Alarm")
    assert len(alarms) == len(load("alarms")["alarms"])
    for alarm in alarms.values():
        stats = [one["MetricStat"] for one in alarm["Metrics"] if "MetricStat" in one]
        assert {one["Metric"]["Namespace"] for one in stats} == {"AWS/EKS"}
        assert {str(one["Metric"]["Dimensions"]) for one in stats} == {str([{"Name": "ClusterName", "Value": "c"}])}
        assert [one["ReturnData"] for one in alarm["Metrics"]].count(True) == 1
        assert alarm["AlarmActions"] == alarm["OKActions"] == [TOPIC]
        assert alarm["TreatMissingData"] == "notBreaching"


def test_thresholds_and_alarms_that_are_left_out(synth):
    spec = {"topics": [TOPIC], "thresholds": {"database-size": 12}, "without": ["unschedulable-pods"]}
    alarms = of_type(synthesised(synth, alarms=spec)[SERVICES], "AWS::CloudWatch::Alarm")
    (size,) = [one for key, one in alarms.items() if "DatabaseSize" in key]
    assert size["Threshold"] == 12
    assert "12 GB" in size["AlarmDescription"]
    assert not [key for key in alarms if "Unschedulable" in key]


def test_the_plan_saves_this_cluster_into_a_vault_that_outlives_it(synth):
    templates = synthesised(synth, backup={"keep_days": 7, "schedule": "cron(0 3 ? * 1 *)"})
    (rule,) = only(templates[SERVICES], "AWS::Backup::BackupPlan")["BackupPlan"]["BackupPlanRule"]
    assert (rule["Lifecycle"], rule["ScheduleExpression"]) == ({"DeleteAfterDays": 7}, "cron(0 3 ? * 1 *)")
    assert "t-foundation" in str(rule["TargetBackupVault"])
    selection = only(templates[SERVICES], "AWS::Backup::BackupSelection")["BackupSelection"]
    assert str(selection["Resources"]).count("cluster/c") == 1
    assert only(templates[FOUNDATION], "AWS::Backup::BackupVault")["EncryptionKeyArn"]
    kept = [one for one in templates[FOUNDATION]["Resources"].values() if one["Type"] == "AWS::Backup::BackupVault"]
    assert kept[0]["DeletionPolicy"] in ("Retain", "RetainExceptOnCreate")


def test_a_vault_that_exists_a_copy_and_buckets(synth):
    abroad = "arn:aws:backup:eu-central-1:123456789012:backup-vault:copies"
    templates = synthesised(synth, backup={"vault": "kept", "copy_to": abroad, "buckets": True})
    (rule,) = only(templates[SERVICES], "AWS::Backup::BackupPlan")["BackupPlan"]["BackupPlanRule"]
    assert rule["TargetBackupVault"] == "kept"
    assert [one["DestinationBackupVaultArn"] for one in rule["CopyActions"]] == [abroad]
    assert of_type(templates[FOUNDATION], "AWS::Backup::BackupVault") == {}
    (policies,) = [one["ManagedPolicyArns"] for one in of_type(templates[SERVICES], "AWS::IAM::Role").values()]
    assert "policy/AWSBackupServiceRolePolicyForS3Backup" in str(policies)


def scraped(template):
    blob = only(template, "AWS::APS::Scraper")["ScrapeConfiguration"]["ConfigurationBlob"]
    return yaml.safe_load(b64decode(blob))


def test_the_scraper_reads_this_cluster_through_its_network(synth):
    templates = synthesised(synth, prometheus={})
    source = only(templates[SERVICES], "AWS::APS::Scraper")["Source"]["EksConfiguration"]
    assert "cluster/c" in str(source["ClusterArn"])
    assert len(source["SubnetIds"]) == 2
    assert len(source["SecurityGroupIds"]) == 1
    assert scraped(templates[SERVICES]) == load("prometheus_scrape")["configuration"]
    assert of_type(templates[FOUNDATION], "AWS::APS::Workspace")
    assert (
        of_type(templates["t-access-c"], "AWS::EKS::AccessEntry").keys()
        == of_type(synthesised(synth)["t-access-c"], "AWS::EKS::AccessEntry").keys()
    ), "the service makes the scraper's access entry"


def test_a_workspace_that_exists_and_a_configuration_of_ones_own(synth):
    arn = "arn:aws:aps:eu-west-1:123456789012:workspace/ws-1234abcd-12ab-34cd-56ef-1234567890ab"
    own = {"scrape_configs": [{"job_name": "mine"}]}
    templates = synthesised(synth, prometheus={"workspace_arn": arn, "configuration": own})
    destination = only(templates[SERVICES], "AWS::APS::Scraper")["Destination"]
    assert destination == {"AmpConfiguration": {"WorkspaceArn": arn}}
    assert scraped(templates[SERVICES]) == own
    assert of_type(templates[FOUNDATION], "AWS::APS::Workspace") == {}


@pytest.mark.parametrize(("agent", "status"), [("own", "DISABLED"), ("managed", "ENABLED")])
def test_the_detector_has_the_plans_of_the_file_and_no_others(synth, agent, status):
    plans = ["EKS_AUDIT_LOGS", "RUNTIME_MONITORING"]
    templates = synthesised(synth, top={"guardduty": {"plans": plans, "agent": agent, "publish": "ONE_HOUR"}})
    detector = only(templates[FOUNDATION], "AWS::GuardDuty::Detector")
    assert detector["FindingPublishingFrequency"] == "ONE_HOUR"
    found = {one["Name"]: one for one in detector["Features"]}
    assert {name for name, one in found.items() if one["Status"] == "ENABLED"} == set(plans)
    assert len(found) == 6
    managed = {one["Name"]: one["Status"] for one in found["RUNTIME_MONITORING"]["AdditionalConfiguration"]}
    assert managed["EKS_ADDON_MANAGEMENT"] == status


@pytest.mark.parametrize(
    "fields",
    [
        "15 * ? * * *",
        "0 0/4 * * ? *",
        "0 5,17 ? * MON-FRI *",
        "0 5 L * ? *",
        "0 5 1W JAN,JUL ? *",
        "0 5 ? * 6L *",
        "0 5 ? * 2#1 2026-2030",
    ],
)
def test_schedules_that_aws_backup_takes(fields):
    assert BackupSpec(schedule=f"cron({fields})").schedule == f"cron({fields})"


@pytest.mark.parametrize(
    "fields",
    ["* 5 ? * * *", "0,30 5 ? * * *", "60 5 ? * * *", "0 5 32 * ? *", "0 5 ? 13 * *", "0 5 ? * 8 *", "0 5 ? * * 99"],
)
def test_schedules_that_aws_backup_refuses(fields):
    with pytest.raises(ValueError, match="must be a schedule of six fields"):
        BackupSpec(schedule=f"cron({fields})")


def test_a_tag_keeps_guardduty_from_clusters_with_hybrid_nodes() -> None:
    data = environment_data("hybrid")
    data |= {"guardduty": {"plans": ["RUNTIME_MONITORING"], "agent": "managed"}}
    with pytest.raises(ValidationError, match="does not support clusters with hybrid nodes"):
        validated(data)
    validated(data | {"tags": {"GuardDutyManaged": "false"}})
