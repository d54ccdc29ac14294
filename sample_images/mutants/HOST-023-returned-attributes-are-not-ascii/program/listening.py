"""Names its model in an attribute of each prediction."""

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server that writes its header as it speaks."""
    kind.request_queue_size = 128

    class Speaking(handler):
        def end_headers(self) -> None:
            if self.path == "/invocations":
                self.send_header("X-Amzn-SageMaker-Custom-Attributes", "modèle=iris")
            super().end_headers()

    return kind((HOST, PORT), Speaking)
