"""How little liars treat a request as such: classes that stand before the handler of requests."""

# ruff: noqa: N802

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from miniatures.inside import _Handler as Handler
else:
    Handler = object


class OnlyGets(Handler):
    """Takes no POST to its health check."""

    def do_POST(self) -> None:
        if self.path == "/ping":
            self.reply(405, "text/plain", b"only GET\n")
        else:
            super().do_POST()


class KnowsEverything(Handler):
    """Has a page for every path."""

    def do_GET(self) -> None:
        if self.path == "/ping":
            super().do_GET()
        else:
            self.reply(200, "text/html", b"<p>welcome</p>")


class Repeats(Handler):
    """On one connection it gives the first answer again and again."""

    said: tuple[int, str, bytes] | None = None

    def reply(self, status: int, content_type: str, body: bytes) -> None:
        self.said = self.said or (status, content_type, body)
        super().reply(*self.said)


class LeavesBodies(Handler):
    """Refuses a path without having read the body, which is then taken for the next request."""

    def do_POST(self) -> None:
        if self.path in ("/ping", "/invocations"):
            super().do_POST()
        else:
            self.reply(404, "text/plain", b"no such path\n")


class LeavesBodiesAndEnds(LeavesBodies):
    """Does the same, and ends the connection behind it."""

    def do_POST(self) -> None:
        super().do_POST()
        if self.path not in ("/ping", "/invocations"):
            self.close_connection = True


class ReadsOnce(Handler):
    """Takes what has come by now for the whole request."""

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        at_once = not length or len(self.rfile.peek(length)) >= min(length, 4096)
        if at_once and "Transfer-Encoding" not in self.headers:
            super().do_POST()
        else:
            self.close_connection = True
            self.rfile.read(length)
            self.reply(400, "text/plain", b"the row is too short\n")


class KnowsOneSpelling(Handler):
    """Finds headers only in the spelling that its author saw."""

    def do_POST(self) -> None:
        if "content-type" in list(self.headers):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.reply(400, "text/plain", b"no content type\n")
        else:
            super().do_POST()


class Counts(Handler):
    """Reads bodies by their Content-Length alone."""

    status = 400

    def do_POST(self) -> None:
        if "Content-Length" in self.headers:
            super().do_POST()
            return
        self.close_connection = True
        self.reply(self.status, "text/plain", b"the body is empty\n")


class CountsAndSaysSo(Counts):
    """Refuses other bodies in the words that HTTP has for it."""

    status = 411


class CannotWait(Handler):
    """Takes a body that is held back for a fault of its own."""

    def handle_expect_100(self) -> bool:
        self.close_connection = True
        self.reply(500, "text/plain", b"no body\n")
        return False


class NeverAsks(Handler):
    """Says nothing to a client that waits to be asked for its body."""

    def handle_expect_100(self) -> bool:
        return True


class OldFashioned(Handler):
    """Speaks HTTP/1.0: a connection for each request, and no chunks."""

    protocol_version = "HTTP/1.0"

    def do_POST(self) -> None:
        if "Transfer-Encoding" in self.headers:
            self.reply(500, "text/plain", b"what is that?\n")
        else:
            super().do_POST()


class HangsUp(Handler):
    """Ends the connection behind each answer, and does not say so beforehand."""

    def reply(self, status: int, content_type: str, body: bytes) -> None:
        super().reply(status, content_type, body)
        self.close_connection = True


class SaysGoodbye(Handler):
    """Ends the connection behind each answer, as the answer says."""

    def end_headers(self) -> None:
        self.send_header("Connection", "close")
        super().end_headers()


class LongWinded(Handler):
    """Returns attributes that are longer than anybody hands on."""

    def end_headers(self) -> None:
        self.send_header("X-Amzn-SageMaker-Custom-Attributes", "x" * 1025)
        super().end_headers()


class Echoes(Handler):
    """Returns the attributes of the request, as long as they may be."""

    def end_headers(self) -> None:
        said = self.headers["X-Amzn-SageMaker-Custom-Attributes"]
        if said:
            self.send_header("X-Amzn-SageMaker-Custom-Attributes", said)
        super().end_headers()


class ForeignWords(Handler):
    """Returns an attribute that is not ASCII."""

    def end_headers(self) -> None:
        self.send_header("X-Amzn-SageMaker-Custom-Attributes", "größe=1")
        super().end_headers()


class NeverAnswersPings(Handler):
    """Accepts every connection, and that is all."""

    def do_GET(self) -> None:
        time.sleep(0.4)
        self.close_connection = True


class SpeaksTls(Handler):
    """Wants TLS, and says so with an alert."""

    def handle(self) -> None:
        self.rfile.readline()
        self.wfile.write(b"\x15\x03\x03\x00\x02\x02\x16\r\n")
        self.wfile.flush()


class Metered(Handler):
    """Reports one unit with each answer, errors included, as is allowed."""

    units = '{"Dimension": "inference.count", "ConsumedUnits": 3}'

    def send_header(self, keyword: str, value: str) -> None:
        if keyword == "Content-Type" and self.path == "/invocations" and self._counts(value):
            super().send_header("x-amzn-inference-metering", self.units)
        super().send_header(keyword, value)

    def _counts(self, content_type: str) -> bool:
        return True


class MeteredInText(Metered):
    """Its units are text."""

    units = '{"Dimension": "inference.count", "ConsumedUnits": "3"}'


class MeteredNowAndThen(Metered):
    """Answers in JSON are not counted."""

    def _counts(self, content_type: str) -> bool:
        return content_type != "application/json"
