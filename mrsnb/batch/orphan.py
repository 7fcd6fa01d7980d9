"""A process that ends with the one that started it, even if that one is killed."""

import ctypes
import os
import signal
import sys

_SET_PARENT_DEATH_SIGNAL = 1  # of prctl, on Linux; elsewhere ipykernel looks every second whether it is alone


def end_with_parent() -> None:
    """End this process when the thread that started it ends."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if str(os.getppid()) != os.environ.get("JPY_PARENT_PID", str(os.getppid())):  # it ended before
        os.kill(os.getpid(), signal.SIGKILL)
