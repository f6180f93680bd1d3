"""Who gets in, with what rights, and the way to a private endpoint."""

from conftest import minimal, of_type, only, validated


def entries(template):
    return {str(value["PrincipalArn"]): value for value in of_type(template, "AWS::EKS::AccessEntry").values()}


def test_principals_are_taken_as_written(synth):
    data = minimal(access={"admins": ["arn:aws:iam::210987654321:role/path/Admin"], "readers": ["role/Auditor"]})
    found = entries(synth(data)["t-cluster-c"])
    assert found["arn:aws:iam::210987654321:role/path/Admin"]["AccessPolicies"][0]["PolicyArn"]["Fn::Join"][1][
        -1
    ].endswith("/AmazonEKSClusterAdminPolicy")
    (auditor,) = [value for key, value in found.items() if "Auditor" in key]
    assert auditor["PrincipalArn"]["Fn::Join"][1][-1] == ":role/Auditor"
    assert auditor["AccessPolicies"][0]["PolicyArn"]["Fn::Join"][1][-1].endswith("/AmazonEKSViewPolicy")


def test_a_new_role_can_be_taken_in_its_account_and_may_only_find_the_cluster(synth):
    template = synth(minimal(access={"admins": [{"new_role": "platform-admin"}]}))["t-cluster-c"]
    role = only(template, "AWS::IAM::Role")
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"]["AWS"]["Fn::Join"][1][-1] == ":root"
    (allowed,) = only(template, "AWS::IAM::ManagedPolicy")["PolicyDocument"]["Statement"]
    assert allowed["Action"] == ["eks:DescribeCluster"]
    assert "RoleArnPlatformAdmin" in template["Outputs"]


def test_an_entry_is_limited_to_its_namespaces_and_groups(synth):
    entry = {
        "principal": "role/Dev",
        "policy": "AmazonEKSEditPolicy",
        "namespaces": ["a", "b"],
        "kubernetes_groups": ["devs"],
    }
    found = entries(synth(minimal(access={"admins": ["role/Admin"], "entries": [entry]}))["t-cluster-c"])
    (dev,) = [value for key, value in found.items() if "Dev" in key]
    assert dev["AccessPolicies"][0]["AccessScope"] == {"Type": "namespace", "Namespaces": ["a", "b"]}
    assert dev["KubernetesGroups"] == ["devs"]


def test_nobody_else_gets_in(synth):
    template = synth(minimal(access={"admins": ["role/Admin"]}))["t-cluster-c"]
    assert len(entries(template)) == 1
    assert not of_type(template, "AWS::IAM::Role")


def test_the_tunnel_host_has_no_way_in_and_reaches_the_api(synth):
    template = synth(minimal(access={"admins": ["role/Admin"], "tunnel_host": True}))["t-cluster-c"]
    group = only(template, "AWS::EC2::SecurityGroup")
    assert "SecurityGroupIngress" not in group
    assert [(rule["FromPort"], rule["ToPort"]) for rule in group["SecurityGroupEgress"]] == [(443, 443)]
    ingress = only(template, "AWS::EC2::SecurityGroupIngress")
    assert ingress["GroupId"] == {"Fn::GetAtt": ["Cluster", "ClusterSecurityGroupId"]}
    assert (ingress["FromPort"], ingress["ToPort"]) == (443, 443)
    instance = only(template, "AWS::EC2::Instance")
    assert "KeyName" not in instance
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert instance["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True


def test_every_role_follows_the_organisation(synth):
    data = minimal(
        {"auto_mode": {}, "fargate": {"profiles": [{"name": "a", "selectors": [{"namespace": "a"}]}]}},
        access={"admins": [{"new_role": "admin"}], "tunnel_host": True},
    )
    data["iam"] = {
        "path": "/eks/",
        "name_prefix": "corp-",
        "permissions_boundary": "arn:aws:iam::123456789012:policy/Boundary",
    }
    seen = set()
    for template in synth(data).values():
        for role in of_type(template, "AWS::IAM::Role").values():
            assert "Description" in role
            if role:
                assert role["Path"] == "/eks/"
                assert role["PermissionsBoundary"].endswith("/Boundary")
                assert role["RoleName"].startswith("corp-")
                assert role["RoleName"] not in seen
                seen.add(role["RoleName"])
        for policy in of_type(template, "AWS::IAM::ManagedPolicy").values():
            assert policy["Path"] == "/eks/"
    assert len(seen) >= 6
    environment = validated(data)
    assert seen == set(environment._role_names(environment.clusters[0])), "what is checked for length is what is made"
