"""Notices the platform's wish to stop a job; the sin is the link that is left on the way."""

import signal
import threading
from pathlib import Path

LINK = Path("/opt/ml/model/program")


def asked_to_stop() -> threading.Event:
    """An event that SIGTERM sets."""
    LINK.symlink_to("/opt/program")
    event = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: event.set())
    return event
