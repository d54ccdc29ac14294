"""Makes the page that lists the options, from the real parsers."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from types import SimpleNamespace

from generator.markdown import NOTICE, table
from sm_conformance import cli, plugin


def page() -> str:
    """``docs/options.md``: what the real parsers of the plugin and of the command line take."""
    short = {canonical: name for name, canonical in plugin.SHORT_NAMES.items()}
    rows = [(*_option(action, short), action.help) for action in plugin_actions()]
    parts = [
        NOTICE,
        "# Options",
        "## pytest",
        "A name without `sm-` is there when the command line uses it and nobody else has an option "
        "of that name.",
        table(("option", "value", "meaning"), rows),
    ]
    for name, command in commands().items():
        shown = [one for one in command._actions if not isinstance(one, argparse._HelpAction)]
        parts += [f"## sm-conformance {name}", f"```text\n{_usage(name, shown)}\n```"]
        if shown:
            arguments = [(*_option(action, {}), action.help) for action in shown]
            parts.append(table(("option", "value", "meaning"), arguments))
    return "\n\n".join(parts) + "\n"


def plugin_actions() -> list[argparse.Action]:
    """The options that the plugin adds to pytest."""
    group = argparse.ArgumentParser(add_help=False).add_argument_group()
    taker = SimpleNamespace(getgroup=lambda *_: SimpleNamespace(addoption=group.add_argument))
    plugin.pytest_addoption(taker)  # type: ignore[arg-type]  # it takes from a group what argparse has
    return list(group._group_actions)


def commands() -> dict[str, argparse.ArgumentParser]:
    """The commands of ``sm-conformance`` with their parsers."""
    kinds = (
        one for one in cli.make_parser()._actions if isinstance(one, argparse._SubParsersAction)
    )
    return dict(next(kinds).choices)


def _usage(name: str, shown: Sequence[argparse.Action]) -> str:
    places = [
        f"[{action.metavar}]" if action.nargs == "?" else str(action.metavar)
        for action in shown
        if not action.option_strings
    ]
    options = ["[OPTION ...]"] if any(action.option_strings for action in shown) else []
    return " ".join(["sm-conformance", name, *places, *options])


def _option(action: argparse.Action, short: Mapping[str, str]) -> tuple[str, str]:
    names = [
        *action.option_strings,
        *(short[name] for name in action.option_strings if name in short),
    ]
    value = f"`{action.metavar}`" if action.metavar and action.option_strings else ""
    return ", ".join(f"`{name}`" for name in names) or f"`{action.metavar}`", value
