"""A signal reaches the main thread, whatever other threads there are."""

import os
import signal
import subprocess
import sys

from tests.support.environments import ROOT

WAITING = """
import os, sys, time
from safe_io import threads
threads.start(time.sleep, 600)
reading, _ = os.pipe()
try:
    print("ready", flush=True)
    os.read(reading, 1)
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_a_signal_to_a_process_that_was_stopped_ends_its_wait() -> None:
    for _ in range(5):
        waiting = subprocess.Popen([sys.executable, "-c", WAITING], cwd=ROOT, stdout=subprocess.PIPE)
        try:
            assert waiting.stdout
            assert waiting.stdout.readline() == b"ready\n"
            waiting.send_signal(signal.SIGSTOP)
            os.waitpid(waiting.pid, os.WUNTRACED)
            waiting.send_signal(signal.SIGCONT)
            waiting.send_signal(signal.SIGINT)
            assert waiting.wait(20) == 130
        finally:
            waiting.kill()
            waiting.communicate()
