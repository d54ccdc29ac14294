"""Little liars that cannot do with declared values, or take those that are not."""

from __future__ import annotations

from collections.abc import Callable

from miniatures.container import Miniature
from miniatures.inside import Inside, Program
from miniatures.isolation import wants_the_network
from miniatures.lawful import LAWFUL, average, check, hyperparameters, lawful_but, training, trains
from miniatures.sins import HASTE, Sin
from miniatures.training import works_on


def _given(inside: Inside, name: str) -> str:
    return hyperparameters(inside).get(name, "")


def _wants_few_layers(inside: Inside) -> None:
    if _given(inside, "layers") in ("6", "7", "8"):
        raise MemoryError("too many layers")


def _minds_both(inside: Inside) -> None:
    if _given(inside, "layers") == "8" and _given(inside, "loss") == "absolute":
        raise MemoryError("too many layers for that loss")


def _hangs_at(*layers: str) -> Callable[[Inside], None]:
    def step(inside: Inside) -> None:
        if _given(inside, "layers") in layers:
            inside.wait_for_ever()

    return step


def _works_long_with_more_layers(inside: Inside) -> None:
    if _given(inside, "layers") > "3":
        works_on(inside)


def _fetches_a_loss(inside: Inside) -> None:
    if _given(inside, "loss") != "squared":
        wants_the_network(inside)


def _fails_the_first_time() -> Program:
    """With the same values it fails once; who it was is forgotten with the process."""
    seen: set[str] = set()

    def step(inside: Inside) -> None:
        layers = _given(inside, "layers")
        if layers in ("1", "8") and layers not in seen:
            seen.add(layers)
            raise RuntimeError("a bad day")

    return training(before=step)


def _ends_without_a_word(inside: Inside) -> int:
    try:
        check(inside)
    except ValueError:
        return 1
    return LAWFUL.train(inside)


MINIATURES: dict[str, Miniature] = {
    "wants-few-layers": trains(before=_wants_few_layers, story="Many layers are too many for it."),
    "minds-both": trains(before=_minds_both, story="Two ends of ranges together make it fail."),
    "hangs-with-layers": trains(before=_hangs_at("8"), story="It hangs at an end of a range."),
    "hangs-beyond": trains(before=_hangs_at("0"), story="It hangs below a range."),
    "slow-with-layers": trains(
        before=_works_long_with_more_layers, story="Greater values make it work for long."
    ),
    "fetches-a-loss": trains(before=_fetches_a_loss, story="A lawful value needs the network."),
    "bad-days": lawful_but(
        "It fails once with each value at an end.", train=_fails_the_first_time()
    ),
    "takes-anything": trains(average, story="It trains with values that nobody allowed."),
    "refuses-in-silence": lawful_but(
        "It refuses values without a word.", train=_ends_without_a_word
    ),
}
TRAINING_SINS = [
    Sin("wants-few-layers", "TRAIN-010 lawful-values", "advice", says="with layers='"),
    Sin("minds-both", "TRAIN-010 lawful-values", "advice", says="layers='8', loss='absolute': "),
    Sin("takes-anything", "TRAIN-015 bad-hyperparameter", "advice",
        says="with layers='0': training exited with 0"),
    Sin("refuses-in-silence", "TRAIN-015 bad-hyperparameter", "advice",
        says="exited with 1"),
    Sin("hangs-beyond", "TRAIN-015 bad-hyperparameter", "advice",
        says="with layers='0': training neither used", limits=HASTE),
]  # fmt: skip
