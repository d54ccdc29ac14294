"""Tells the platform why a training job failed; the sin is what it says afterwards."""

import time
from pathlib import Path

FILE = Path("/opt/ml/output/failure")
EXIT_CODE = 1


def write(reason: str) -> None:
    """The first 1024 characters become the job's FailureReason."""
    FILE.write_text(reason[:1024])
    time.sleep(2)  # an engine tells the file's time in whole seconds
    print("cleaning up", flush=True)
