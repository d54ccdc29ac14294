"""Ends when a header is too long to be read."""

import os

HOST, PORT = "0.0.0.0", 8080
TOO_LONG = 431


def server(kind: type, handler: type):
    """A listening server that takes one broken client for its own end."""
    kind.request_queue_size = 128

    class Fragile(handler):
        def send_error(self, code, message=None, explain=None) -> None:
            if code == TOO_LONG:
                os._exit(1)
            super().send_error(code, message, explain)

    return kind((HOST, PORT), Fragile)
