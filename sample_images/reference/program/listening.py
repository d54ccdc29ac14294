"""Where the server listens: port 8080 of every interface."""

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server; connections wait in a queue long enough for a burst."""
    kind.request_queue_size = 128
    return kind((HOST, PORT), handler)
