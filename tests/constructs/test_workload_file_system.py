"""A workload's file system: mounted by its access point, over TLS, from the cluster, and in no other way."""

import aws_cdk as cdk
from aws_cdk.assertions import Template

from eks_constructs.workload_file_system import WorkloadFileSystem


def resources():
    stack = cdk.Stack(cdk.App(), "Stack")
    WorkloadFileSystem(
        stack,
        "Files",
        name="files",
        vpc_id="vpc-1",
        subnet_ids=["subnet-1", "subnet-2"],
        cluster_security_group_id="sg-1",
        owner=(10001, 10002),
        retain=False,
    )
    found = Template.from_stack(stack).to_json()["Resources"].values()
    return {one["Type"]: one["Properties"] for one in found}


def test_its_users_get_a_folder_of_their_own():
    """The root of a new file system is root's (0755), and EFS ignores fsGroup."""
    point = resources()["AWS::EFS::AccessPoint"]
    assert point["PosixUser"] == {"Uid": "10001", "Gid": "10002"}
    assert point["RootDirectory"]["Path"] not in ("", "/"), "EFS makes and gives away folders, never the root"
    assert point["RootDirectory"]["CreationInfo"] == {"OwnerUid": "10001", "OwnerGid": "10002", "Permissions": "0750"}


def test_there_is_no_way_in_past_the_access_point_or_without_tls():
    allow, deny = resources()["AWS::EFS::FileSystem"]["FileSystemPolicy"]["Statement"]
    # Nobody is root there; and the clients, which sign nothing, are anybody whom the security group lets in.
    assert allow["Action"] == ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
    assert allow["Principal"] == {"AWS": "*"}
    (points,) = allow["Condition"]["ArnLike"].values()
    assert points["Fn::Join"][1][-1].endswith(":access-point/*")
    assert deny["Effect"] == "Deny"
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_policy_waits_for_nothing_that_waits_for_the_file_system():
    assert "GetAtt" not in str(resources()["AWS::EFS::FileSystem"]["FileSystemPolicy"])
