"""Listens on port 8000, the default of many servers."""

HOST, PORT = "0.0.0.0", 8000


def server(kind: type, handler: type):
    """A listening server where nobody looks for it."""
    kind.request_queue_size = 128
    return kind((HOST, PORT), handler)
