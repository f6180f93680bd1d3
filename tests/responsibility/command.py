"""`python -m responsibility` inside the test's own process, and a template that leaves a duty of every severity open."""

import gc
import io
import sys
from dataclasses import dataclass
from typing import NamedTuple

import pytest
import yaml

from responsibility.cli import commands as cli

CLUSTER = """\
Description: a shop
Resources:
  Cluster:
    Type: AWS::EKS::Cluster
    Properties:
      Name: shop
      Version: "1.36"
      RoleArn: arn:aws:iam::111122223333:role/shop
      ResourcesVpcConfig:
        SubnetIds: [subnet-1, subnet-2]
  Nodes:
    Type: AWS::EKS::Nodegroup
    Properties:
      ClusterName: !Ref Cluster
      NodeRole: arn:aws:iam::111122223333:role/nodes
      Subnets: [subnet-1]
      InstanceTypes: [m7i.large]
      RemoteAccess: {Ec2SshKey: mine}
"""


def changed(properties: dict[str, object]) -> str:
    """The same template, with other properties of the cluster."""
    data = yaml.safe_load(CLUSTER.replace("!Ref Cluster", "shop"))
    data["Resources"]["Cluster"]["Properties"].update(properties)
    return str(yaml.safe_dump(data, allow_unicode=True))


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass
class Run:
    """Runs the command line as `main` does, exit code and all."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def given(self, text: str) -> "Run":
        """The same, with something on standard input."""
        self.monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        return self

    def __call__(self, *arguments: str) -> Done:
        self.monkeypatch.setattr(sys, "argv", ["responsibility", *arguments])
        self.capsys.readouterr()
        try:
            with pytest.raises(SystemExit) as ended:
                cli.main()
        finally:
            gc.enable()  # main is the whole process otherwise, and does without
        code = ended.value.code
        assert isinstance(code, int)
        return Done(code, *self.capsys.readouterr())
