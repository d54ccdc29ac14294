"""Notices the platform's wish to stop a job; the sin is that nothing comes of it."""

import signal
import threading


def asked_to_stop() -> threading.Event:
    """An event that nothing sets."""
    signal.signal(signal.SIGTERM, lambda *_: print("asked to stop", flush=True))
    return threading.Event()
