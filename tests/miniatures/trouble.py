"""Miniatures with trouble of the engine, and of the user."""

from __future__ import annotations

import os
import signal

from miniatures.container import Miniature
from miniatures.inside import Inside
from miniatures.lawful import lawful_but


def _interrupts(inside: Inside) -> int:
    """What Ctrl-C does while a training goes."""
    os.kill(os.getpid(), signal.SIGINT)
    inside.wait_for_ever()
    return 0


MINIATURES: dict[str, Miniature] = {
    "engine-dies-at-create": lawful_but("The engine dies before it.", trouble="create"),
    "engine-dies-at-start": lawful_but("The engine dies with it.", trouble="start"),
    "engine-dies-at-save": lawful_but("The engine dies after it.", trouble="save"),
    "interrupts": lawful_but("The user presses Ctrl-C.", train=_interrupts),
    "interrupts-serving": lawful_but("The user presses Ctrl-C later.", serve=_interrupts),
}
