"""The forms that a lawful request may have: paths, methods, headers, connections, framing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial

from sm_conformance.inputs import requests
from sm_conformance.inputs.requests import Request
from sm_conformance.laboratory import repeating
from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.observed.http import Reply, Session

# A refusal is believed when it comes again while the same request in its plainest form succeeds.
_TRIES = 2
# Between two requests on one connection. Servers that close an idle one do so after seconds.
_IDLE_S = 0.2
# Beyond what the plainest request took.
_PATIENCE_S = 5.0
# What is asked on one connection, in this order.
KEPT = ("kept-first", "kept-unknown", "kept-second", "kept-ping", "kept-idle")
# How long a server that takes what it left unread for a request has to answer that, too.
_UNASKED_S = 0.1
# Refused requests with a body, and the good one behind each on its connection.
REFUSED = {"refused-path": "behind-refused-path", "refused-type": "behind-refused-type"}
# Between the two parts of a request: they arrive apart, as those of any large one do.
_APART_S = 0.05


def charset(talk: Conversation) -> None:
    """The declared types of text with a parameter that changes nothing."""
    for request in requests.with_charset(talk.samples):
        _believed(talk, "without-charset", partial(_succeeds, talk, request))


def api_headers(talk: Conversation) -> None:
    """The good request with every header that the invoke APIs let a caller set."""
    plain = requests.invocation(talk.sample, name="api-headers")
    request = requests.with_headers(plain, requests.API_HEADERS, name="api-headers")
    _believed(talk, "no-api-headers", partial(_succeeds, talk, request))


def post_ping(talk: Conversation) -> None:
    """``POST /ping`` without a body."""
    ping = requests.elsewhere("POST", "/ping", name="post-ping")
    talk.ask(ping, limit_s=talk.ping_patience_s)


def unknown_path(talk: Conversation) -> None:
    """A path that nobody offers."""
    path = requests.elsewhere("GET", requests.UNKNOWN_PATH, name="unknown-path")
    talk.ask(path, limit_s=talk.ping_patience_s)


def keep_alive(talk: Conversation) -> None:
    """Requests of several kinds one after another on one connection, the last after a pause.

    Where the server ends the connection, lawfully at any time between two answers, the next request
    has a new one.
    """
    _believed(talk, "not-kept", partial(_on_one_connection, talk))
    curls = [talk.curls[name].removeprefix("curl ") for name in KEPT if name in talk.curls]
    told = r"-w '\n%{num_connects} new connections\n'"
    talk.curls["keep-alive"] = "curl " + " --next ".join(f"{told} {one}" for one in curls)


def keep_alive_refused(talk: Conversation) -> None:
    """A good request behind a refused one on the same connection, whose body is to be out of the way.

    The type that was refused before is refused here; the server is known to live on after it.
    """
    type_refused = talk.replies.get("undeclared-type")
    after = talk.replies.get("after-undeclared-type")
    if not talk.sample.body or type_refused is None or after is None or not after.ok:
        return
    good = requests.invocation(talk.sample, name="refused-path")
    refused = [replace(good, path=requests.UNKNOWN_PATH)]
    if type_refused.status is not None and 400 <= type_refused.status < 500:
        other = {"Content-Type": requests.UNDECLARED_TYPE}
        refused.append(requests.with_headers(good, other, name="refused-type"))
    for request in refused:
        if not _believed(talk, "not-refused", partial(_after_refusal, talk, request)):
            return


def lost_behind(replies: Mapping[str, Reply], name: str) -> bool:
    """Whether a good request failed behind the refused one ``name``, or bytes came for nobody."""
    refused, after = replies.get(name), replies.get(REFUSED[name])
    return refused is not None and (refused.surplus or (after is not None and not after.ok))


def unlike(replies: Mapping[str, Reply], names: Iterable[str] = KEPT) -> str | None:
    """The first of the requests on one connection that was not answered as on one of its own."""
    for name in names:
        reply = replies.get(name)
        if reply is None:
            continue
        if name == "kept-unknown":
            right = reply.problem is None and reply.status == replies["unknown-path"].status
        else:
            right = reply.ok
        if not right:
            return name
    return None


def framing(talk: Conversation) -> None:
    """The good body in chunks, held back until the server asks for it, and in two parts.

    And the names of its headers in lower case, as proxies write them.
    """
    if not talk.sample.body:
        return
    plain = requests.invocation(talk.sample, name="plain")
    in_chunks = requests.with_headers(plain, {"Transfer-Encoding": "chunked"}, name="chunked")
    held_back = requests.with_headers(plain, {"Expect": "100-continue"}, name="expect-continue")
    lower = {name.lower(): value for name, value in plain.headers.items()}
    lower["content-length"] = str(len(plain.body))
    lower_case = replace(plain, name="lower-case", headers=lower)
    # What keeps a server from most requests comes before what few clients send.
    if not _believed(talk, "not-framed", partial(_succeeds_in_parts, talk, plain)):
        return
    for request in (lower_case, replace(in_chunks, chunked=True), held_back):
        if not _believed(talk, "not-framed", partial(_succeeds, talk, request)):
            return


def _on_one_connection(talk: Conversation) -> bool:
    good = requests.invocation(talk.sample, name="kept")
    asked = [
        replace(good, name="kept-first"),
        requests.elsewhere("GET", requests.UNKNOWN_PATH, name="kept-unknown"),
        replace(good, name="kept-second"),
        requests.elsewhere("GET", "/ping", name="kept-ping"),
    ]
    if talk.replies["unknown-path"].problem is not None:
        del asked[1]  # on a connection of its own it is answered no better
    with Session(talk.address) as session:
        for request in asked:
            _ask_soon(talk, request, session)
            if unlike(talk.replies, (request.name,)):
                return False
        if talk.container.pause(_IDLE_S):
            return False
        return _ask_soon(talk, replace(good, name="kept-idle"), session).ok


def _ask_soon(talk: Conversation, request: Request, session: Session | None = None) -> Reply:
    """A request whose answer is not waited for much longer than that to the plainest one."""
    return talk.ask(request, limit_s=_soon_s(talk), session=session)


def _soon_s(talk: Conversation) -> float:
    return min(talk.reply_limit_s, _PATIENCE_S + 2 * talk.replies["sample"].elapsed_s)


def _succeeds_in_parts(talk: Conversation, plain: Request) -> bool:
    request = replace(plain, name="two-parts")
    apart = partial(talk.container.pause, _APART_S)
    reply = talk.ask_in_halves(request, between=apart, limit_s=_soon_s(talk))
    talk.curls[request.name] = repeating.repeat_in_parts(
        talk.folder.name,
        request=request.name,
        headers=request.headers,
        body_bytes=len(request.body),
        apart_s=_APART_S,
    )
    return reply.ok


def _after_refusal(talk: Conversation, request: Request) -> bool:
    with Session(talk.address) as session:
        reply = _ask_soon(talk, request, session)
        if reply.problem is None and session.hears(_UNASKED_S):
            talk.replies[request.name] = replace(reply, surplus=True)
        _ask_soon(talk, requests.invocation(talk.sample, name=REFUSED[request.name]), session)
    told = [
        talk.curls[name].removeprefix("curl ") for name in (request.name, REFUSED[request.name])
    ]
    talk.curls[f"kept-{request.name}"] = "curl " + " --next ".join(told)
    return not lost_behind(talk.replies, request.name)


def _succeeds(talk: Conversation, request: Request) -> bool:
    return _ask_soon(talk, request).ok


def _believed(talk: Conversation, plain: str, attempt: Callable[[], bool]) -> bool:
    """Whether the server still answers its plainest request, kept as ``plain``.

    That is asked after each attempt that fails: a server that fails now and then is not to be
    blamed for the form of a request.
    """
    for _ in range(_TRIES):
        if attempt():
            return True
        if not talk.recovered(plain).ok:
            return False
    return True
