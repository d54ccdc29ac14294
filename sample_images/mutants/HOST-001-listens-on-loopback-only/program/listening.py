"""Listens on the loopback interface only, as development servers do."""

HOST, PORT = "127.0.0.1", 8080


def server(kind: type, handler: type):
    """A listening server that nobody outside can reach."""
    kind.request_queue_size = 128
    return kind((HOST, PORT), handler)
