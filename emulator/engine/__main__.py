"""Starts the engine: ministack, extended. The environment says where: emulator/process.py sets it."""

import fcntl
import os
import sys
from pathlib import Path

LOOPBACK = "127.0.0.1"


def main() -> None:
    """Serves on loopback until it is told to stop."""
    # Held as long as this process lives: it tells others that the engine runs.
    lock = Path(os.environ["EMULATOR_LOCK"]).open("w")  # noqa: SIM115 - held until the end
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    # ministack reads these when it is imported; its own default listens on every interface.
    os.environ["BIND_HOST"] = LOOPBACK
    os.environ["MINISTACK_HOST"] = LOOPBACK
    from emulator.engine.install import install

    install(
        schemas=Path(os.environ["EMULATOR_SCHEMAS"]),
        catalog=Path(os.environ["EMULATOR_CATALOG"]),
        policies=Path(os.environ["EMULATOR_POLICIES"]),
    )
    from ministack import app

    app._port_is_bindable = lambda *_: False  # with TLS it would take port 443 too

    # No argument of ours is one of ministack's.
    sys.argv[1:] = []
    app.main()


if __name__ == "__main__":
    main()
