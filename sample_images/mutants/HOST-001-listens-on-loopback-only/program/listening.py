"""Listens on the loopback interface only, as development servers do."""

HOST, PORT = "127.0.0.1", 8080


def server(kind: type, handler: type):
    """A listening server that nobody outside can reach."""
    return kind((HOST, PORT), handler)
