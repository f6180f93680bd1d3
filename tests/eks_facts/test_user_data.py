"""What user data gives a node, in the forms of EKS's AMIs."""

import pytest

from eks_facts.user_data import node_settings

TAINTS = ({"key": "batch", "value": "true", "effect": "NoSchedule"},)
NODEADM = """MIME-Version: 1.0
apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  kubelet:
    config: {"maxPods": 29}
    flags:
      - --node-labels=tier=batch,team=a
      - --register-with-taints=batch=true:NoSchedule
"""
BOTTLEROCKET = """[settings.kubernetes]
max-pods = 29
[settings.kubernetes.node-labels]
tier = "batch"
team = "a"
[settings.kubernetes.node-taints]
batch = ["true:NoSchedule"]
"""
FLAGS = "--node-labels=tier=batch,team=a --register-with-taints=batch=true:NoSchedule --max-pods=29"
SCRIPT = f"/etc/eks/bootstrap.sh one --kubelet-extra-args '{FLAGS}'"
POWERSHELL = f"Start-EKSBootstrap.ps1 -KubeletExtraArgs '{FLAGS}' 3>&1"


@pytest.mark.parametrize("text", [NODEADM, BOTTLEROCKET, SCRIPT, POWERSHELL])
def test_labels_taints_and_pods_are_read_in_every_form(text: str) -> None:
    found = node_settings(text)
    assert (found.labels, found.taints, found.max_pods) == ({"tier": "batch", "team": "a"}, TAINTS, 29)


@pytest.mark.parametrize("text", ["", "\0\1", "[settings", "settings = 3", "#!/bin/bash\nyum update"])
def test_what_says_nothing_gives_nothing(text: str) -> None:
    found = node_settings(text)
    assert (found.labels, found.taints, found.max_pods) == ({}, (), 0)
