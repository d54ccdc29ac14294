"""The server: GET /ping and POST /invocations on port 8080."""

import signal
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import answers
import bodies
import question
import sending

FINISH_S = 25


class Handler(BaseHTTPRequestHandler):
    """One connection, kept alive between requests."""

    protocol_version = "HTTP/1.1"
    # Head and body of a whole answer leave in one packet; parts are flushed one by one.
    wbufsize = 64 * 1024
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path == "/ping":
            self.reply(200, "text/plain", b"\n")
        else:
            self.reply(404, "text/plain", b"only /ping can be read\n")

    def do_POST(self) -> None:
        with self.server.request():
            try:
                body = bodies.read(self)
            except question.Refused as refused:
                self.close_connection = True
                self.reply(refused.status, "text/plain", f"{refused}\n".encode())
                return
            if self.path == "/ping":
                self.reply(200, "text/plain", b"\n")
            elif self.path == "/invocations":
                self.invocation(body)
            else:
                self.reply(404, "text/plain", b"only /invocations takes a body\n")

    def invocation(self, body: bytes) -> None:
        """An answer whole or in parts, as the caller wants it."""
        try:
            asked = question.read(self.headers, body)
        except question.Refused as refused:
            self.reply(refused.status, "text/plain", f"{refused}\n".encode())
            return
        if asked.form == question.WHOLE:
            self.reply(200, question.WHOLE, answers.whole(asked))
            return
        try:
            sending.send(self, asked.form, answers.parts(asked))
        except OSError:
            self.close_connection = True
            print("a caller went away in the middle of its answer", flush=True)

    def reply(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code="-", size="-") -> None:
        """Quiet: a line for each ping would fill the log."""


class Server(ThreadingHTTPServer):
    """Knows how many requests are being answered."""

    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("0.0.0.0", 8080), Handler)
        self.busy = 0
        self.changed = threading.Condition()

    @contextmanager
    def request(self):
        """Lasts as long as one request."""
        with self.changed:
            self.busy += 1
        try:
            yield
        finally:
            with self.changed:
                self.busy -= 1
                self.changed.notify_all()

    def handle_error(self, request, client_address) -> None:
        """A caller that hangs up is no news."""


def main() -> None:
    """Serves until SIGTERM; requests that are being answered are finished."""
    server = Server()
    print("server starts", flush=True)

    def stop(*_: object) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    server.serve_forever(poll_interval=0.05)
    with server.changed:
        server.changed.wait_for(lambda: server.busy == 0, timeout=FINISH_S)
    server.server_close()
    print("server ends", flush=True)
