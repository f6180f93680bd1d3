"""The address that nobody else reaches, and free ports at it."""

import socket

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """Returns a port that nobody has at the moment; somebody may take it before it is used."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
