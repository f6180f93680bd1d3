"""Access levels of IAM actions, and what roles need."""

import pytest

from eks_facts import iam_words, role_policies
from eks_facts.files import load


@pytest.mark.parametrize(
    ("action", "levels"),
    [
        ("ec2:DescribeVpcs", {"List"}),
        ("EC2:describevpcs", {"List"}),
        ("s3:GetObject", {"Read"}),
        ("kms:Decrypt", {"Write"}),
        ("iam:PutRolePolicy", {"Permissions management", "Write"}),
        ("eks:MutateViaKubernetesApi", {"Write"}),
        ("eks:*", {"List", "Read", "Write", "Tagging"}),
        ("ec2:Describe*", {"List"}),
        ("s3:NoSuchThing", set()),
        ("nosuchservice:GetThing", set()),
    ],
)
def test_access_levels(action, levels):
    assert iam_words.access_levels(action) == levels


def test_what_is_not_known_does_not_only_read():
    assert iam_words.only_reads("ec2:Describe*")
    assert not iam_words.only_reads("nosuchservice:GetThing")
    assert not iam_words.only_reads("ec2:*")


def test_each_escalation_changes_something():
    assert not [
        action
        for action in iam_words.escalations()
        if not iam_words.access_levels(action) & {"Write", "Permissions management"}
    ]


def test_actions_with_words_exist():
    named = [action for action in load("iam_words")["actions"] if "*" not in action]
    assert [action for action in named if not iam_words.access_levels(action)] == []


def test_policies_of_roles_are_known_policies():
    for role in load("role_policies")["roles"]:
        assert role_policies.accepted(role) <= iam_words.managed_policies()
        assert role_policies.missing(role, role_policies.narrowest(role)) == []
        assert role_policies.missing(role, role_policies.wider(role)) == [
            group[0] for group in role_policies.needs(role) if len(group) == 1
        ]
