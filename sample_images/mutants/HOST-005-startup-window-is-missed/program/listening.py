"""Listens too late: a long preparation comes first."""

import time

HOST, PORT = "0.0.0.0", 8080
PREPARATION_S = 1.5


def server(kind: type, handler: type):
    """A listening server, after the start-up window is over."""
    kind.request_queue_size = 128
    time.sleep(PREPARATION_S)
    return kind((HOST, PORT), handler)
