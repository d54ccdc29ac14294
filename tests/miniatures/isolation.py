"""Little liars that do not do without a network, or without AWS around them."""

from __future__ import annotations

import contextlib

from miniatures.container import Miniature
from miniatures.inside import Inside
from miniatures.lawful import lawful_but, serves, serving, training, trains
from miniatures.sins import Sin


def wants_the_network(inside: Inside) -> None:
    if not inside.networked:
        raise OSError("Temporary failure in name resolution")


def _wants_the_hub(inside: Inside) -> None:
    inside.look_up("huggingface.co")


def _wants_the_hub_without_a_word(inside: Inside) -> None:
    try:
        inside.look_up("huggingface.co")
    except OSError as error:
        raise RuntimeError("no weights") from error


def _wants_a_region(inside: Inside) -> None:
    inside.say(inside.environment["AWS_REGION"])


def _wants_a_region_from_anywhere(inside: Inside) -> None:
    if "AWS_REGION" not in inside.environment:
        inside.dial("169.254.169.254", 80)


def _tells_its_maker(inside: Inside) -> None:
    """Telemetry, whose failure is lawful to ignore."""
    for attempt in (
        lambda: inside.look_up("telemetry.example"),
        lambda: inside.dial("192.0.2.7", 4317),
    ):
        with contextlib.suppress(OSError):
            attempt()


def _tells_its_maker_and_breaks(inside: Inside) -> None:
    _tells_its_maker(inside)
    raise RuntimeError("this never works")


MINIATURES: dict[str, Miniature] = {
    "wants-region": trains(before=_wants_a_region, story="It needs a Region."),
    "wants-network": trains(before=wants_the_network, story="Its training downloads something."),
    "wants-hub": trains(before=_wants_the_hub, story="Its training downloads weights."),
    "wants-hub-silently": trains(
        before=_wants_the_hub_without_a_word, story="It does not say that it misses the hub."
    ),
    "wants-region-from-anywhere": trains(
        before=_wants_a_region_from_anywhere, story="It asks the metadata service for its Region."
    ),
    "telemetry": lawful_but(
        "It tells its maker of each start, and does well without.",
        train=training(before=_tells_its_maker),
        serve=serving(before=_tells_its_maker),
    ),
    "telemetry-and-broken": trains(
        before=_tells_its_maker_and_breaks, story="It fails for a reason of its own."
    ),
    "wants-hub-to-serve": serves("Its server downloads weights.", before=_wants_the_hub),
    "wants-region-from-anywhere-to-serve": serves(
        "Its server asks the metadata service for its Region.", before=_wants_a_region_from_anywhere
    ),
    "wants-network-to-serve": serves("Its server downloads.", before=wants_the_network),
}
TRAINING_SINS = [
    Sin("wants-region", "NET-003 no-aws-environment", says="as soon as this is lifted"),
    Sin("wants-network", "NET-002 isolated", says="Temporary failure in name resolution"),
    Sin(
        "wants-network", "NET-002 isolated", says="as soon as this is lifted",
        options=("--sm-allow-network",),
    ),
    Sin(
        "wants-hub", "NET-002 isolated",
        says="; isolated, it asked for the name huggingface.co; its log says: OSError: Name or",
    ),
    Sin(
        "wants-region-from-anywhere", "NET-003 no-aws-environment",
        says="it dialled 169.254.169.254:80 (the instance metadata service); it works as soon as",
    ),
    # What it tried proves nothing: most of what tries does well without.
    Sin("telemetry-and-broken", "TRAIN-063 exit-zero", says="dialled 192.0.2.7:4317"),
    Sin("wants-hub-silently", "TRAIN-063 exit-zero", says="asked for the name huggingface.co"),
]  # fmt: skip
SERVING_SINS = [
    Sin(
        "wants-hub-to-serve", "NET-002 isolated",
        says="; isolated, it asked for the name huggingface.co; its log says: ",
    ),
    Sin(
        "wants-region-from-anywhere-to-serve", "NET-003 no-aws-environment",
        says="it dialled 169.254.169.254:80 (the instance metadata service); it works as soon as",
    ),
    Sin("wants-network-to-serve", "NET-002 isolated", says="name resolution"),
]  # fmt: skip
