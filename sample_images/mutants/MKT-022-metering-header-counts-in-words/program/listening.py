"""Reports the units of each answer, and as text."""

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server that meters its answers."""
    kind.request_queue_size = 128

    class Metered(handler):
        def end_headers(self) -> None:
            units = '{"Dimension": "inference.count", "ConsumedUnits": "1"}'
            self.send_header("X-Amzn-Inference-Metering", units)
            super().end_headers()

    return kind((HOST, PORT), Metered)
