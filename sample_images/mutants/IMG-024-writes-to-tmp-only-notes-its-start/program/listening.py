"""Notes when it was started, in the folder of its program."""

import time
from pathlib import Path

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server, once the note is written."""
    kind.request_queue_size = 128
    Path("/opt/program/started.txt").write_text(time.ctime())
    return kind((HOST, PORT), handler)
