"""Answers the last one first, where requests wait in line on one connection."""

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server that keeps an answer back while another request is waiting."""
    kind.request_queue_size = 128

    class LastFirst(handler):
        def setup(self) -> None:
            super().setup()
            self.kept_back = []

        def reply(self, *answer) -> None:
            self.connection.setblocking(False)
            waiting = self.rfile.peek(1)
            self.connection.setblocking(True)
            if waiting:
                self.kept_back.append(answer)
                return
            super().reply(*answer)
            while self.kept_back:
                super().reply(*self.kept_back.pop())

    return kind((HOST, PORT), LastFirst)
