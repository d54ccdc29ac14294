"""Serves two requests at a time, and hangs up on all others."""

import threading
import time

HOST, PORT = "0.0.0.0", 8080
WORK_S = 0.003


def server(kind: type, handler: type):
    """A listening server with two seats."""
    kind.request_queue_size = 128
    seats = threading.Semaphore(2)

    class Strict(handler):
        def do_POST(self) -> None:
            if seats.acquire(blocking=False):
                try:
                    time.sleep(WORK_S)
                    super().do_POST()
                finally:
                    seats.release()
                return
            self.close_connection = True

    return kind((HOST, PORT), Strict)
