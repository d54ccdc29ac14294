"""Has no handler for SIGTERM, and as first process of a container no default for it either."""

import signal

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server that SIGTERM does not reach."""
    kind.request_queue_size = 128

    class Deaf(kind):
        def serve_forever(self, poll_interval: float) -> None:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            super().serve_forever(poll_interval)

    return Deaf((HOST, PORT), handler)
