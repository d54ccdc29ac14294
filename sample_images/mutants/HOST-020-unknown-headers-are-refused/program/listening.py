"""Refuses requests that carry a header it does not know."""

HOST, PORT = "0.0.0.0", 8080
KNOWN = {"host", "user-agent", "accept", "connection", "content-type", "content-length"}
KNOWN |= {"transfer-encoding", "expect"}


def server(kind: type, handler: type):
    """A listening server that is strict where it should be generous."""
    kind.request_queue_size = 128

    class Strict(handler):
        def reply(self, status: int, content_type: str, body: bytes) -> None:
            if any(name.lower() not in KNOWN for name in self.headers):
                status, content_type, body = 400, "text/plain", b"unknown header\n"
            super().reply(status, content_type, body)

    return kind((HOST, PORT), Strict)
