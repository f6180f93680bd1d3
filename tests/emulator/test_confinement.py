"""What the engine does to the machine: it listens on one port of loopback, and starts no program that a deploy did not bring."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.process import ACCOUNT, Engine
from emulator.status import client
from safe_io.loopback import LOOPBACK
from tests.emulator.functions import deploy_function, invoke
from tests.emulator.programs import listeners, until
from tests.emulator.requests import make_bucket

pytestmark = [pytest.mark.whole, pytest.mark.xdist_group("emulator")]
ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"


def ask_for_a_port(engine: Engine) -> None:
    """Of services that open one, on every interface, as soon as there is something to serve."""
    attempts: dict[str, Callable[[Any], Any]] = {
        "transfer": lambda aws: aws.create_server(),
        "iot": lambda aws: aws.create_thing(thingName="thing"),
        "rds": lambda aws: aws.create_db_instance(
            DBInstanceIdentifier="db", DBInstanceClass="db.t3.micro", Engine="postgres", AllocatedStorage=20,
            MasterUsername="x", MasterUserPassword="password", EnableIAMDatabaseAuthentication=True,
        ),
        "elasticache": lambda aws: aws.create_cache_cluster(
            CacheClusterId="c", Engine="redis", NumCacheNodes=1, CacheNodeType="cache.t3.micro"
        ),
        "ecs": lambda aws: aws.create_cluster(clusterName="c"),
    }  # fmt: skip
    for service, attempt in attempts.items():
        try:
            attempt(client(engine, service))
        except ClientError:
            continue


def test_it_listens_on_one_port_of_loopback(engine: Engine) -> None:
    only = {f"{int.from_bytes(socket.inet_aton(LOOPBACK), 'little'):08X}:{engine.port:04X}"}
    assert listeners(engine.pid) == only
    ask_for_a_port(engine)
    deployment = deploy_function(engine, "listens", "def handler(*_): return 1")
    assert invoke(engine, "listens") == 1
    assert listeners(engine.pid) == only
    deployment.destroy("listens")


def test_scripts_of_other_services_do_not_run(engine: Engine, tmp_path: Path) -> None:
    file, s3, glue = tmp_path / "ran", client(engine, "s3"), client(engine, "glue")
    make_bucket(engine, "scripts")
    s3.put_object(Bucket="scripts", Key="job.py", Body=f"open({str(file)!r}, 'w').write('done')")
    command = {"Name": "pythonshell", "ScriptLocation": "s3://scripts/job.py", "PythonVersion": "3.9"}
    glue.create_job(Name="job", Role=ROLE, Command=command)
    run = glue.start_job_run(JobName="job")["JobRunId"]

    def state() -> dict[str, Any]:
        return dict(glue.get_job_run(JobName="job", RunId=run)["JobRun"])

    assert until(lambda: state()["JobRunState"] not in ("STARTING", "RUNNING"))
    assert "does not start programs" in state()["ErrorMessage"]
    assert not file.exists()
    glue.delete_job(JobName="job")
    s3.delete_object(Bucket="scripts", Key="job.py")
    s3.delete_bucket(Bucket="scripts")
