"""Ends the connection, without a word, when a body is larger than a mebibyte."""

HOST, PORT = "0.0.0.0", 8080
MOST_BYTES = 1024 * 1024


def server(kind: type, handler: type):
    """A listening server with a limit of its own."""
    kind.request_queue_size = 128

    class Limited(handler):
        def do_POST(self) -> None:
            if int(self.headers.get("Content-Length", 0)) > MOST_BYTES:
                self.close_connection = True
            else:
                super().do_POST()

    return kind((HOST, PORT), Limited)
