"""Serves one connection after another, and lets nobody queue behind the next."""

import time

HOST, PORT = "0.0.0.0", 8080
WORK_S = 0.08


def server(kind: type, handler: type):
    """A listening server with one worker and no queue."""

    class Alone(kind):
        request_queue_size = 0

        def process_request(self, request, client_address):
            self.process_request_thread(request, client_address)

    class Slow(handler):
        def do_POST(self) -> None:
            time.sleep(WORK_S)
            super().do_POST()

    return Alone((HOST, PORT), Slow)
