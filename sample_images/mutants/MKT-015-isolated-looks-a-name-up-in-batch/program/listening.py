"""In a batch transform job it wants to tell somebody of it first."""

import os
import socket

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server."""
    kind.request_queue_size = 128
    if os.environ.get("SAGEMAKER_BATCH") == "true":
        socket.getaddrinfo("example.com", 443)
    return kind((HOST, PORT), handler)
