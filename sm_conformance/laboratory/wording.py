"""Words causes: what was seen, whom it blames, and what to declare where nobody can be blamed."""

from __future__ import annotations

from sm_conformance.candidate import Candidate
from sm_conformance.inputs.scenario import Lift
from sm_conformance.observed.http import Reply
from sm_conformance.observed.logs import Logs
from sm_conformance.observed.run import Cause, Ending, Server, Stage
from sm_conformance.observed.sought import Sought

# Words of a program that missed the network; used only where isolation is claimed.
_NETWORK_WORDS = (
    "name resolution", "name or service not known", "could not resolve", "getaddrinfo",
    "network is unreachable", "no route to host", "nodename nor servname", "unknownhostexception",
    "no such host", "failed to lookup address", "unable to resolve",
    "max retries exceeded", "failed to establish a new connection", "connection timed out",
)  # fmt: skip


# Unauthorized, and what proxies say for it.
_WANTS_CREDENTIALS = (401, 407)
# How a program fails that is not made for plain HTTP.
_NO_HTTP = ("reset", "closed", "garbage")
_STAY_UP = (
    "Find out in its log why the server ended. It is started with the one argument `serve`, which a "
    "program that is its own ENTRYPOINT has to know; it has to stay up and answer GET /ping with 200."
)
_SPEAK_HTTP = (
    "Speak plain HTTP/1.1 on port 8080, without TLS: the platform ends the callers' TLS itself. Its "
    "log, or that of a proxy in front, tells what it made of these connections."
)
_ANY_HOST = (
    "Accept every Host header, for the platform sends one of its own: lift the list of allowed hosts "
    "(Django's ALLOWED_HOSTS, Starlette's TrustedHostMiddleware, nginx's server_name) on port 8080."
)
_NO_CREDENTIALS = (
    "Answer /ping and /invocations without credentials: the platform has checked its callers already, "
    "and hands no credentials on."
)
# How the alert of a TLS server begins, as the detail of a reply shows it.
_TLS_ALERT = "\\x15\\x03"


def missed_network(logs: Logs) -> str | None:
    """The last line of a log that tells of a network that was not there."""
    return logs.mentions(*_NETWORK_WORDS)


def nobody(missed: Stage, reason: str) -> Cause:
    """A cause that blames nobody; ``reason`` is why the clauses behind it are not run."""
    return Cause(missed=missed, blames=None, expected="", actual=reason)


def bound_reached(missed: Stage, story: str, lines: tuple[str, ...]) -> Cause:
    """A bound of ours was reached that the owner may lift with ``lines`` of the declaration."""
    declared = "`, `".join(lines)
    return nobody(missed, f"{story}; a bound of the harness was reached: declare `{declared}`")


def lifted(missed: Stage, lift: Lift, story: str, sought: Sought, *, unstable: bool) -> Cause:
    """The lifted condition as the cause, unless it works unchanged at another try as well."""
    if lift.blames.startswith("NET-"):  # of other conditions, what it tried to reach tells nothing
        story += _tried(sought)
    if unstable:
        return nobody(
            missed,
            f"{story}; repeated unchanged it worked, so this launch tells nothing: judge again",
        )
    return Cause(
        missed=missed,
        blames=lift.blames,
        expected=f"it works although {lift.condition}",
        actual=f"{story}; it works as soon as this is lifted: {lift.condition}",
    )


def too_big(candidate: Candidate, story: str) -> Cause:
    """A reply larger than is read, which is more than the platform hands on in real time.

    In batch and asynchronous inference, and in streams, it may be as large.
    """
    larger = {"batch", "asynchronous", "streaming", "bidirectional"}
    if candidate.declaration.claims is None or candidate.claims & larger:
        text = f"{story}; declare a sample request whose reply is below 25 MB"
        return nobody(Stage.ANSWERED, text)
    return Cause(
        missed=Stage.ANSWERED,
        blames="HOST-010 invocation",
        expected="an answer of less than 25 MB, which is all that the platform hands on",
        actual=story,
    )


def unexplained(
    candidate: Candidate,
    missed: Stage,
    blames: str,
    expected: str,
    story: str,
    logs: Logs,
    guessed: tuple[str, ...],
    sought: Sought,
    *,
    own_fault: bool = False,
) -> Cause:
    """No lifted condition cured it: the input, the network or the image itself.

    ``own_fault``: it answered in a way that no missing network explains. What it ``sought`` is told
    and blames nobody: programs try to reach this and that, and do well without.
    """
    network = candidate.declaration.network
    line = missed_network(logs)
    if network == "isolated" and line is not None:
        return Cause(
            missed=missed,
            blames="NET-002 isolated",
            expected="it works without a network, as `network: isolated` claims",
            actual=f"{story}{_tried(sought)}; its log says: {line}",
        )
    story += _tried(sought)
    last = line or logs.telling()
    said = f" (its log says: {last})" if last else ""
    if guessed:
        return nobody(
            missed,
            f"{story}{said}; this was guessed: {'; '.join(guessed)}. Declare it",
        )
    if network is None and (line is not None or not own_fault):
        return nobody(
            missed,
            f"{story}{said}; it ran without a network and may need one: say `network: needed` or "
            "`network: isolated` in the declaration",
        )
    return Cause(missed=missed, blames=blames, expected=expected, actual=story)


def _tried(sought: Sought) -> str:
    return f"; isolated, {sought.describe()}" if sought else ""


def refusal(reply: Reply, local: Reply | None) -> str:
    """What a refusal may come from that no program on this machine would meet.

    ``local`` is the answer to the same request of a client that calls the server localhost.
    """
    if local is not None and local.ok:
        return (
            f"; the same request with `Host: localhost` gets {local.status}, so the platform's own "
            "Host header (model.aws.local:8080) alone makes it refuse"
        )
    if reply.status in _WANTS_CREDENTIALS:
        return "; it asks for credentials, and the platform sends none"
    return ""


def silence(server: Server) -> tuple[str, str]:
    """Which clause a server breaks that never said 200, and what was seen of it."""
    if server.ending is Ending.EXITED:
        return "HOST-002 ping", f"{server.story()}, before /ping answered 200"
    last = server.last_ping
    if server.answered and last is not None:
        return "HOST-002 ping", f"GET /ping: {last.describe()}{refusal(last, server.foreign_host)}"
    said = last.describe() if last is not None else "no connection"
    seen = f"port 8080: {said} for {server.seconds:.0f} s"
    if last is not None and _was_connected(server, last):
        wants = "; it may want TLS, and the platform speaks plain HTTP" if _is_tls(last) else ""
        return "HOST-002 ping", f"{seen}, although the connection is accepted{wants}"
    if any(listener.loopback and listener.port == 8080 for listener in server.listeners):
        seen += "; it listens on 8080 of the loopback interface only"
    elif any(listener.port == 8080 for listener in server.listeners):
        seen += "; it listens on 8080 of an address that is not asked, such as IPv6 alone"
    elif server.listeners:
        ports = ", ".join(str(port) for port in sorted({item.port for item in server.listeners}))
        seen += f"; it listens on port {ports} instead"
    elif server.ending is Ending.IDLE:
        seen += "; it neither used the processor nor wrote anything"
    return "HOST-001 listens", seen


def remedy(server: Server) -> str | None:
    """What to do where a server never said 200 for a reason that shows; None where none does."""
    if server.ending is Ending.EXITED:
        return _STAY_UP
    last, local = server.last_ping, server.foreign_host
    if not server.answered:
        accepted = last is not None and _was_connected(server, last)
        return _SPEAK_HTTP if accepted and last is not None and last.problem in _NO_HTTP else None
    if last is None or last.ok:
        return None
    if local is not None and local.ok:
        return _ANY_HOST
    return _NO_CREDENTIALS if last.status in _WANTS_CREDENTIALS else None


def _was_connected(server: Server, last: Reply) -> bool:
    """Whether the server itself accepted the connection; the engine's proxy accepts for anybody."""
    own = server.direct or last.problem in ("timeout", "garbage")
    return own and last.connect_s is not None


def _is_tls(reply: Reply) -> bool:
    return reply.problem == "garbage" and _TLS_ALERT in reply.detail
