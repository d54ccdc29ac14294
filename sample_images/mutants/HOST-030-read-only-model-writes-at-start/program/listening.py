"""Notes its process number beside the model, where the platform lets nobody write."""

import os
from pathlib import Path

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server, if the note could be written."""
    kind.request_queue_size = 128
    Path("/opt/ml/model/server.pid").write_text(str(os.getpid()))
    return kind((HOST, PORT), handler)
