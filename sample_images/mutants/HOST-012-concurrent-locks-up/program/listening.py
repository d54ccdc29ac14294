"""Takes two locks for an answer, in an order that depends on the content type."""

import threading
import time

HOST, PORT = "0.0.0.0", 8080
WORK_S = 0.002


def server(kind: type, handler: type):
    """A listening server that two requests of different types lock up."""
    kind.request_queue_size = 128
    locks = threading.Lock(), threading.Lock()

    class Locking(handler):
        def do_POST(self) -> None:
            json = self.headers.get("Content-Type") == "application/json"
            first, second = locks if json else locks[::-1]
            with first:
                time.sleep(WORK_S)
                with second:
                    super().do_POST()

    return kind((HOST, PORT), Locking)
