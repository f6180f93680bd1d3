import pytest
from tests.emulator.comparison import differences
from tests.emulator.deployment import stacks_of
@pytest.mark.parametrize("name", ["demo","auto-mode","fargate","managed-nodes"])
def test_x(deployment, assemble, name):
    a = assemble(name)
    deployment.deploy(a)
    d=[x for s,t in stacks_of(a) for x in differences(deployment, s, t)]
    for x in d: print(x)
    assert deployment.deploy(a) and not any(deployment.deploy(a).values())
    deployment.destroy_all(a)
    print(deployment.states())
    assert not d
