"""Notices the platform's wish to stop a job."""

import signal
import threading


def asked_to_stop() -> threading.Event:
    """An event that SIGTERM sets."""
    event = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: event.set())
    return event
