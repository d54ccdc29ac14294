"""Serves two requests at a time, and resets the connections of all others."""

import io
import socket
import struct
import threading
import time

HOST, PORT = "0.0.0.0", 8080
WORK_S = 0.003
RESET = struct.pack("ii", 1, 0)


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
            # What is closed so, with the request unread, is reset; no answer is written any more.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.wfile = io.BytesIO()

    return kind((HOST, PORT), Strict)
