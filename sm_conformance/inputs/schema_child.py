"""Draws values that keep a JSON Schema, and makes those that fail simpler, in a process of its own.

Run as a program, not imported. The schema comes as the first line of the input. Each value drawn goes
out as a line, and the answer to it comes in as a line: whether it fails. A line that is no value says
why there is none.

Of a process of its own, because Hypothesis draws constants of the modules that are loaded, those of
the user's project among them; it seeds everybody's random numbers; and some schemas keep the library
busy for ever.
"""

from __future__ import annotations

import json
import sys
from random import Random
from typing import Any

SEED = 20261121
_MOST_DRAWS = 200


def main() -> None:
    """Draws until the values are all drawn, or one that fails cannot be made simpler."""
    schema = json.loads(sys.stdin.readline())
    try:
        from hypothesis import HealthCheck, Verbosity, find, settings
        from hypothesis.errors import NoSuchExample, Unsatisfiable
        from hypothesis_jsonschema import from_schema
    except ImportError as error:
        _say({"missing": str(error)})
        return

    def fails(value: Any) -> bool:
        _say({"value": value})
        return sys.stdin.readline().strip() == "fails"

    try:
        find(
            from_schema(schema),
            fails,
            settings=settings(
                database=None,
                deadline=None,
                derandomize=True,
                max_examples=_MOST_DRAWS,
                suppress_health_check=list(HealthCheck),
                verbosity=Verbosity.quiet,
            ),
            random=Random(SEED),
        )
    except (NoSuchExample, Unsatisfiable):
        return
    except Exception as error:  # noqa: BLE001 - whatever the library makes of a strange schema
        _say({"trouble": f"{type(error).__name__}: {error}"})


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
