"""The server: /ping and POST /invocations on port 8080."""

import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import answers
import framing
import health
import listening
import model
from work import Work

# Of the 30 seconds that the platform gives.
FINISH_S = 25


class Handler(BaseHTTPRequestHandler):
    """One connection, kept alive between requests."""

    protocol_version = "HTTP/1.1"
    # Head and body leave in one packet.
    wbufsize = 64 * 1024

    def do_GET(self) -> None:
        if self.path == "/ping":
            self.reply(*health.ping())
        else:
            self.reply(404, "text/plain", b"only /ping can be read\n")

    def do_POST(self) -> None:
        with self.server.work:
            self.answer()

    def answer(self) -> None:
        try:
            body = framing.body(self.headers, self.rfile)
        except ValueError as error:
            # Where the next request would begin is not known.
            self.close_connection = True
            self.reply(400, "text/plain", f"{error}\n".encode())
            return
        if self.path == "/invocations":
            self.reply(*answers.invocation(self.server.centres, self.headers, body))
        elif self.path == "/ping":
            self.reply(*health.ping())
        else:
            self.reply(404, "text/plain", b"only /invocations takes a body\n")

    def reply(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        if content_type:
            self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def handle_expect_100(self) -> bool:
        """Asks for a body that is held back; at once, or its sender would wait in vain."""
        asked = super().handle_expect_100()
        self.wfile.flush()
        return asked

    def log_request(self, code="-", size="-") -> None:
        """Quiet: a line for each ping would fill the log."""


def main() -> None:
    """Serves until SIGTERM; requests that are being answered are finished."""
    print("server starts", flush=True)
    server = listening.server(ThreadingHTTPServer, Handler)
    server.centres, server.work = model.load(), Work()

    def stop(*_: object) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    server.serve_forever(poll_interval=0.05)
    server.server_close()
    server.work.finish(FINISH_S)
