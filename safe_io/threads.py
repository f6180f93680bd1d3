"""Threads beside the main one, which alone can act on a signal."""

import signal
import threading
from collections.abc import Callable
from typing import Any

_TO_MAIN = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def start(function: Callable[..., Any], *arguments: Any) -> threading.Thread:
    """Runs a function in a thread that ends with the process, and that takes no signal from the main thread.

    Python runs handlers in the main thread. Where the kernel gives a signal to another one, as it does when the main thread was
    stopped, the main thread goes on waiting for its system call.
    """
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _TO_MAIN)  # a thread inherits the mask
    try:
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return thread
