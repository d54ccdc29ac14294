"""What becomes of servers that are handed a model which is spoiled."""

from __future__ import annotations

from miniatures.container import Miniature
from miniatures.declared import BOTH
from miniatures.image import chatters
from miniatures.inside import Inside
from miniatures.lawful import invocation, lawful_but, load, ping
from miniatures.serving import breaks, ping_500
from miniatures.sins import Sin


def _is_bad(inside: Inside) -> bool:
    try:
        load(inside)
    except ValueError:
        return True
    return False


def _swallows_a_bad_model(inside: Inside) -> int:
    inside.say("server starts")
    inside.serve(ping, breaks if _is_bad(inside) else invocation)
    return 0


def _ill_with_a_bad_model(inside: Inside) -> int:
    inside.say("server starts")
    inside.serve(ping_500 if _is_bad(inside) else ping, invocation)
    return 0


MINIATURES: dict[str, Miniature] = {
    "swallows-a-bad-model": lawful_but(
        "It answers pings whatever its model is.", serve=_swallows_a_bad_model
    ),
    "needs-no-model": lawful_but("It does without the model that it is handed.", serve=chatters),
    "ill-with-a-bad-model": lawful_but(
        "Its pings fail when its model is bad.", serve=_ill_with_a_bad_model
    ),
}
SERVING_SINS = [
    Sin("swallows-a-bad-model", "HOST-007 sees-a-broken-model", "advice",
        says="it says 200 to a ping, and then: 500", declaration=BOTH),
]  # fmt: skip
