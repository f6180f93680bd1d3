"""How the local control plane of a rehearsal runs: without the parts whose work is done on simulated time."""

from local_kubernetes.control_plane import Options

_FAST = ("--kube-api-qps=500", "--kube-api-burst=1000")
_GARBAGE = 300
"""A rehearsal has one cluster, for minutes: memory is cheaper than time."""


def options() -> Options:
    """Returns the options. Nodes have no heartbeat here, pods of nodes that are gone are removed with them, and no kubelet caches."""
    unused = ("node-lifecycle", "pod-garbage-collector", "node-ipam", "ttl")
    left_out = ",".join(["--controllers=*", *(f"-{name}-controller" for name in unused)])
    flags = {"kube-controller-manager": [left_out, *_FAST], "kube-scheduler": list(_FAST)}
    return Options(flags=flags, garbage=_GARBAGE)
