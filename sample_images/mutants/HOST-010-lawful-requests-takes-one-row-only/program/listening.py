"""Refuses what its owner's schema allows: more than one row of JSON."""

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server that answers JSON of one row only."""
    kind.request_queue_size = 128

    class OneRow(handler):
        def reply(self, status: int, content_type: str, body: bytes) -> None:
            if content_type == "application/json" and b"," in body:
                status, content_type, body = 400, "text/plain", b"one row at a time\n"
            super().reply(status, content_type, body)

    return kind((HOST, PORT), OneRow)
