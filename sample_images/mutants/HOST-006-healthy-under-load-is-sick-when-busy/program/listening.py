"""Takes a busy server for a sick one."""

import time

HOST, PORT = "0.0.0.0", 8080
WORK_S = 0.005


def server(kind: type, handler: type):
    """A listening server whose health check fails under load."""
    kind.request_queue_size = 128
    served = []

    class Anxious(handler):
        def do_GET(self) -> None:
            if len(served) > 1:
                self.reply(503, "text/plain", b"busy\n")
            else:
                super().do_GET()

        def do_POST(self) -> None:
            served.append(self)
            try:
                time.sleep(WORK_S)
                super().do_POST()
            finally:
                served.remove(self)

    return kind((HOST, PORT), Anxious)
