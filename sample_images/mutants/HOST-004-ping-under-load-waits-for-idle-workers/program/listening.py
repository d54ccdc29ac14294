"""Lets a ping wait until nobody is served."""

import threading
import time

HOST, PORT = "0.0.0.0", 8080
WORK_S = 0.05


def server(kind: type, handler: type):
    """A listening server that has no worker to spare for pings."""
    kind.request_queue_size = 128
    changed = threading.Condition()
    served = []

    class Patient(handler):
        def do_GET(self) -> None:
            with changed:
                changed.wait_for(lambda: not served)
            super().do_GET()

        def do_POST(self) -> None:
            with changed:
                served.append(self)
            try:
                time.sleep(WORK_S)
                super().do_POST()
            finally:
                with changed:
                    served.remove(self)
                    changed.notify_all()

    return kind((HOST, PORT), Patient)
