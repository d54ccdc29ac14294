"""Reads as many bytes as Content-Length says, and fails without one."""

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server that knows one way to send a body."""
    kind.request_queue_size = 128

    class Counting(handler):
        def do_POST(self) -> None:
            if "Content-Length" in self.headers:
                super().do_POST()
                return
            self.close_connection = True
            self.reply(500, "text/plain", b"internal error: no Content-Length\n")

    return kind((HOST, PORT), Counting)
