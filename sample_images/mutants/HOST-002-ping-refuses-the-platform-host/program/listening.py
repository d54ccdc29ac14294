"""Answers only those who call the server by a name on its list of allowed hosts."""

HOST, PORT = "0.0.0.0", 8080
ALLOWED = ("localhost", "127.0.0.1")


def server(kind: type, handler: type):
    """A listening server that does not know the platform's name for it."""
    kind.request_queue_size = 128

    class Choosy(handler):
        def reply(self, status: int, content_type: str, body: bytes) -> None:
            if self.headers.get("Host", "").partition(":")[0] not in ALLOWED:
                status, content_type, body = 400, "text/plain", b"unknown host\n"
            super().reply(status, content_type, body)

    return kind((HOST, PORT), Choosy)
