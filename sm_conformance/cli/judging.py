"""``check`` and ``gate``: the suite on an image, whatever lies around."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from sm_conformance.cli.options import CLAIMS, lacking, unusable, value

_HERE = Path(__file__).resolve().parents[1]
# What surroundings use to change a pytest run.
_OUTSIDE_INFLUENCE = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_THEME", "PYTEST_DEBUG")
# Options that the plugin has under the same name with ``sm-`` in front.
_PASSED_ON = (
    ("train-image", "REPO:TAG", "judge this image for training"),
    ("serve-image", "REPO:TAG", "judge this image for hosting"),
    *CLAIMS,
    ("model-data", "FILE", "serve this model.tar.gz instead of a trained one"),
    ("baseline", "REPO:TAG", "tell how answers differ from those of this image"),
    ("profile", "NAME", "platform (default), strict, marketplace, or a file of yours"),
    (
        "report",
        "DIR",
        "write the report there: report.json, .html, .sarif, junit.xml, summary.md, badge.svg, evidence/",
    ),
    ("patience", "SECONDS", "how long a training may take to be judged (default: 600)"),
    (
        "watch",
        "SECONDS",
        "how long the idle server is watched once more before it is stopped; one that ends by itself "
        "later is not seen (default: 0; of gate and certify 30)",
    ),
    (
        "examples",
        "N",
        "how many values within the declared ranges of hyperparameters, and how many outside, to "
        "train with; for each of them, some requests that are made up (default: 3)",
    ),
    ("limits", "FILE", "replace limits; such a run is never conformant"),
    ("max-ping-p99-ms", "MS", "bound of /ping latency"),
    ("max-invocation-p99-ms", "MS", "bound of /invocations latency"),
    (
        "rate",
        "PER_SECOND",
        "requests a second at which the bounds hold, each sent when it is due",
    ),
    ("rate-seconds", "SECONDS", "how long that rate is kept up (default: 10)"),
)
# What stands for a number among their values. Whether it is in range is for the plugin to say.
_UNITS = ("SECONDS", "N", "MS", "PER_SECOND")
# What is pushed or certified is watched for longer than what is only looked at.
WATCH_S = "30"
_FLAGS = ("keep", "allow-network", "cached")


def add_check(commands: Any) -> None:
    """Adds ``check``."""
    parser = commands.add_parser("check", help="judge an image, whatever lies around")
    add_judging(parser)
    parser.add_argument("-k", metavar="EXPRESSION", help="judge only matching clauses")
    parser.add_argument("--cached", action="store_true", help="where nothing has changed since the "
                        "last complete run, answer from its result")  # fmt: skip
    parser.add_argument("--archive", metavar="FILE", help="judge an image in this archive, of `docker "
                        "save` or in OCI's layout, without an engine: nothing is launched")  # fmt: skip
    parser.add_argument("--registry", action="store_true", help="judge REGISTRY/REPO:TAG where it lies, "
                        "without an engine: nothing is launched")  # fmt: skip
    parser.set_defaults(run=check, command="check")


def add_gate(commands: Any) -> None:
    """Adds ``gate``."""
    parser = commands.add_parser(
        "gate", help="judge an image and, only when it is conformant, push what was judged"
    )
    add_judging(parser)
    parser.add_argument("--push", metavar="REGISTRY/REPO:TAG", required=True,
                      help="where to; you are logged in there as for `docker push`")  # fmt: skip
    parser.add_argument("--no-waivers", action="store_true", help="refuse an image with waivers")
    parser.set_defaults(
        run=_gate, command="gate", k=None, cached=False, archive=None, registry=False, watch=WATCH_S
    )


def add_judging(command: argparse.ArgumentParser) -> None:
    """The options of every command that judges."""
    command.add_argument("image", nargs="?", metavar="REPO:TAG", help="one image for both jobs")
    for name, metavar, text in _PASSED_ON:
        command.add_argument(f"--{name}", metavar=metavar, help=text)
    command.add_argument("--scan", metavar="FILE", action="append", default=[], help="what a scanner "
                         "found in the image: SARIF, or JSON of trivy, grype or Dockle; may be given "
                         "several times")  # fmt: skip
    command.add_argument("--keep", action="store_true", help="keep containers of failed launches")
    command.add_argument("--allow-network", action="store_true", help="a failing launch may be "
                         "repeated with a network, to name the cause")  # fmt: skip
    command.add_argument("-v", "--verbose", action="store_true", help="name each clause")


def check(options: argparse.Namespace) -> int:
    """Runs pytest with our suite on what ``options`` name; its exit status."""
    for name, _, _ in _PASSED_ON:
        if value(options, name) == "":
            said = f"--{name} is empty; leave it out or name something"
            return unusable(options.command, said)
    if "" in options.scan:
        return unusable(options.command, "--scan is empty; leave it out or name something")
    if value(options, "archive") == "":
        return unusable(options.command, "--archive is empty; leave it out or name something")
    for name, unit, _ in _PASSED_ON:
        given = value(options, name)
        if unit in _UNITS and given is not None and not _is_number(given):
            return unusable(options.command, f"--{name}: expected a number, got {given!r}")
    if not (options.image or options.train_image or options.serve_image or options.archive):
        return unusable(options.command, "name an image")
    for name in _OUTSIDE_INFLUENCE:
        os.environ.pop(name, None)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ["HYPOTHESIS_NO_PLUGINS"] = "1"
    import pytest

    suite = _HERE / "suite"
    arguments = [
        f"--config-file={_HERE / 'hermetic.ini'}",
        f"--rootdir={suite}",
        f"--confcutdir={suite}",
        "-p", "sm_conformance.plugin",
        "-p", "no:cacheprovider",
        "-p", "no:doctest",
        "--sm-hermetic",
    ]  # fmt: skip
    if options.image:
        arguments.append(f"--sm-image={options.image}")
    for name, _, _ in _PASSED_ON:
        given = value(options, name)
        if given is not None:
            arguments.append(f"--sm-{name}={given}")
    arguments += [f"--sm-scan={file}" for file in options.scan]
    arguments += [f"--sm-archive={options.archive}"] if options.archive else []
    arguments += ["--sm-registry"] if options.registry else []
    arguments += [f"--sm-{name}" for name in _FLAGS if value(options, name)]
    arguments += ["-k", options.k] if options.k else []
    arguments += ["-v"] if options.verbose else ["-q"]
    return int(pytest.main([*arguments, str(suite)]))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _gate(options: argparse.Namespace) -> int:
    try:
        from sm_conformance.gate import command
    except ModuleNotFoundError as error:
        return lacking(options.command, error)
    return command.gate(options, check)
