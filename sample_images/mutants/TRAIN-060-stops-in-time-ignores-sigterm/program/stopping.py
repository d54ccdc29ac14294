"""Has the platform's wish to stop a job ignored: that is the sin."""

import signal
import threading


def asked_to_stop() -> threading.Event:
    """An event that nothing sets."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return threading.Event()
