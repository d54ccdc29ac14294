"""Starts on hosts with a name of the form that it knows."""

import socket

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server, where the host's name is a number in hexadecimal digits."""
    kind.request_queue_size = 128
    print(f"host {int(socket.gethostname(), 16):x}", flush=True)
    return kind((HOST, PORT), handler)
