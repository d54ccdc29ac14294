"""Lets nobody queue, and takes its time before it accepts a connection."""

import time

HOST, PORT = "0.0.0.0", 8080
DAWDLE_S = 0.1


def server(kind: type, handler: type):
    """A listening server; a client that comes while another waits has to knock again."""

    class Dawdling(kind):
        request_queue_size = 0

        def get_request(self):
            time.sleep(DAWDLE_S)
            return super().get_request()

    return Dawdling((HOST, PORT), handler)
