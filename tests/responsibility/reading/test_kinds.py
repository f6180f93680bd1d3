"""One interface for all kinds of compute: one that this project does not have joins by a file and a line of the registry."""

from datetime import date

import pytest

from eks_facts.addons import addon_kinds
from responsibility.model import COMPUTE_KINDS
from responsibility.reading.eks import Cluster
from responsibility.reading.facts import Fact
from responsibility.reading.kinds import registry
from responsibility.reading.kinds.kind import Kind
from responsibility.reading.network import Subnet
from responsibility.reading.placement import Placement
from responsibility.reading.reader import read
from responsibility.reading.resource import UnknownValue
from responsibility.reading.sources import read as read_sources
from responsibility.review.ownership import compute_kinds
from responsibility.review.picture import compute, picture

TEMPLATE = """
Parameters:
  Toys: {Type: String}
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties: {CidrBlock: 10.0.0.0/16}
  Subnet:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/24}
  Cluster:
    Type: AWS::EKS::Cluster
    Properties:
      Name: demo
      RoleArn: arn:aws:iam::123456789012:role/cluster
      ResourcesVpcConfig: {SubnetIds: [!Ref Subnet]}
      ToyConfig: {Enabled: TOYS}
  Box:
    Type: Toy::Box::Nodes
    Properties: {ClusterName: !Ref Cluster, Role: !Ref Role}
  Role:
    Type: AWS::IAM::Role
    Properties: {AssumeRolePolicyDocument: {Statement: []}}
  Entry:
    Type: AWS::EKS::AccessEntry
    Properties: {ClusterName: !Ref Cluster, PrincipalArn: arn:aws:iam::123456789012:role/toy, Type: TOY_LINUX}
"""


def facts_in(folder, toys):
    file = folder / "stack.yaml"
    file.write_text(TEMPLATE.replace("TOYS", toys))
    return read(read_sources(str(file)), date(2026, 11, 28))


class Toy(Kind):
    """Has the model's rows of a kind that the template does not use."""

    id = "hybrid_nodes"
    compute_type = "toy"
    entry_types = ("TOY_LINUX",)

    def has(self, cluster):
        return cluster.resource.maybe("ToyConfig.Enabled") is True

    def settle(self, cluster):
        cluster.get("ToyConfig.Enabled")

    def roots(self, facts):
        return facts.of_type("Toy::Box::Nodes")

    def words(self, cluster):
        return f"toys of {cluster.name}"

    def evidence(self, cluster):
        return [cluster.at("ToyConfig")]

    def places(self, facts):
        for box in facts.of_type("Toy::Box::Nodes"):
            yield box, facts.all(Subnet)


@pytest.fixture
def toy():
    kinds = [kind for kind in registry.KINDS if kind.id != Toy.id]
    before, registry.KINDS[:] = list(registry.KINDS), [*kinds, Toy()]
    yield
    registry.KINDS[:] = before


@pytest.mark.usefixtures("toy")
def test_a_kind_is_read_owned_and_drawn(tmp_path):
    facts = facts_in(tmp_path, "true")
    (cluster,) = facts.all(Cluster)
    assert cluster.kinds == ["hybrid_nodes"]
    assert cluster.has_any(["hybrid_nodes"])
    owned = compute_kinds(facts)
    assert {key.rsplit("/", 1)[1] for key, kind in owned.items() if kind == "hybrid_nodes"} == {"Box", "Role", "Entry"}
    (use,) = compute(cluster)
    assert (use.kind, use.words, use.evidence[0].path) == ("hybrid_nodes", "toys of demo", "ToyConfig")
    (subnet,) = picture(cluster).vpc.subnets
    assert subnet.kinds == ["hybrid_nodes"]
    (of_subnet,) = facts.all(Subnet)
    assert [type(user) for user in facts.view(Placement).compute[of_subnet.resource.key]] == [Fact]


@pytest.mark.usefixtures("toy")
def test_a_kind_that_nobody_can_see_is_unknown(tmp_path):
    (cluster,) = facts_in(tmp_path, "!Ref Toys").all(Cluster)
    assert cluster.kinds == []
    with pytest.raises(UnknownValue):
        cluster.has_any(["hybrid_nodes"])
    assert not cluster.has_any(["fargate"])


def test_each_kind_of_the_model_has_a_descriptor():
    assert tuple(kind.id for kind in registry.KINDS) == COMPUTE_KINDS
    assert {kind for kinds in addon_kinds().values() for kind in kinds} <= set(COMPUTE_KINDS)
