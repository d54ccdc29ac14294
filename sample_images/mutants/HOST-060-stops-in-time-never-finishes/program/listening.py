"""Hears SIGTERM and never comes to an end."""

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server that cannot let go."""
    kind.request_queue_size = 128

    class Clinging(kind):
        def shutdown(self) -> None:
            print("asked to stop: not now", flush=True)

    return Clinging((HOST, PORT), handler)
