"""What a run judges by: the user's options, and the rules that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from pathlib import Path

from sm_conformance.contract import clause, limits, profile
from sm_conformance.contract.clause import Contract
from sm_conformance.contract.limits import Limits
from sm_conformance.contract.profile import Profile
from sm_conformance.declaration.files import is_model_archive
from sm_conformance.declaration.loading import load as load_declaration
from sm_conformance.declaration.loading import refuse
from sm_conformance.declaration.rules import MOST_REQUESTS
from sm_conformance.declaration.values import Declaration, nothing_declared
from sm_conformance.errors import UsageProblem
from sm_conformance.judgement import waivers

# What the declaration's schema allows for the same.
_RANGES = {"rate": (0.1, 1000.0), "rate_seconds": (1.0, 600.0), "watch_s": (0.0, 3600.0)}

DECLARATION_FILE = "sm-conformance.yaml"


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for; the fields are the ``--sm-*`` options."""

    image: str | None = None
    train_image: str | None = None
    serve_image: str | None = None
    declaration: Path | None = None
    # Hermetic doors take a declaration from the option alone, never from the current folder.
    look_here: bool = True
    model_data: Path | None = None
    profile: str = profile.DEFAULT
    limits: Path | None = None
    patience_s: float | None = None
    report: Path | None = None
    max_ping_p99_ms: float | None = None
    max_invocation_p99_ms: float | None = None
    # The image whose server is asked the same as the candidate's, to compare the answers.
    baseline: str | None = None
    rate: float | None = None
    rate_seconds: float | None = None
    # Requests to AWS, by kind ("algorithm", "model-package", …), and the folder of their S3 data.
    aws: Mapping[str, Path] = field(default_factory=dict)
    s3: Path | None = None
    # What scanners found in the images, as files of theirs.
    scans: tuple[Path, ...] = ()
    # Whether the last result on the same question will do.
    cached: bool = False
    # The image lies in this archive, or in its registry, and nothing is launched.
    archive: Path | None = None
    registry: bool = False
    keep: bool = False
    allow_network: bool = False
    # How long an idle server is watched before it is stopped.
    watch_s: float = 0.0
    # How many lawful values of hyperparameters, and how many bad ones, training is tried with.
    examples: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """What a candidate is judged by; known before any engine is asked."""

    contract: Contract
    profile: Profile
    limits: Limits
    declaration: Declaration
    # What of the requests to AWS was not taken over, and why.
    notes: tuple[str, ...] = ()


def read_rules(options: Options) -> Rules:
    """The rules that the options name. Raises :class:`UsageProblem`."""
    if options.image is not None and (options.train_image or options.serve_image):
        raise UsageProblem(
            "--sm-image judges one image for both jobs; give either it or --sm-train-image and "
            "--sm-serve-image"
        )
    if options.cached and options.keep:
        raise UsageProblem(
            "--sm-cached launches nothing that --sm-keep could keep: give one of them"
        )
    changed = limits.load_changed(options.limits) if options.limits else limits.load()
    for name in ("patience_s", "max_ping_p99_ms", "max_invocation_p99_ms"):
        value = getattr(options, name)
        if value is not None and not value > 0:
            option = name.removesuffix("_s").replace("_", "-")
            raise UsageProblem(f"--sm-{option} must be above 0, got {value:g}")
    for name, (least, most) in _RANGES.items():
        value = getattr(options, name)
        if value is not None and not least <= value <= most:
            option = name.removesuffix("_s").replace("_", "-")
            raise UsageProblem(f"--sm-{option} must be from {least:g} to {most:g}, got {value:g}")
    if options.patience_s is not None:
        changed = replace(changed, training_patience_s=options.patience_s)
    if options.archive is not None and options.registry:
        raise UsageProblem("an image lies in an archive or in a registry: name one of the two")
    if options.baseline is not None and (options.archive is not None or options.registry):
        raise UsageProblem("--sm-baseline compares servers, and nothing is launched here")
    if options.model_data is not None and not options.model_data.is_file():
        raise UsageProblem(f"--sm-model-data {options.model_data}: no such file")
    if options.model_data is not None and not is_model_archive(options.model_data):
        raise UsageProblem(
            f"--sm-model-data {options.model_data}: it is no tar file compressed with gzip, as a "
            "model.tar.gz is"
        )
    rules = Rules(
        contract=clause.load(),
        profile=profile.load(options.profile),
        limits=changed,
        declaration=nothing_declared(),
    )
    declaration, notes = _declaration(options)
    return declared(replace(rules, notes=notes), declaration, options)


def declared(rules: Rules, declaration: Declaration, options: Options) -> Rules:
    """The rules with a declaration that fits them. Raises :class:`UsageProblem`.

    What the profile takes for granted is as good as declared.
    """
    told = waivers.problems(declaration.waivers, rules.contract, today=date.today())
    refuse(declaration, [(("waivers", at, key), text) for at, key, text in told])
    wanted = rules.profile.network
    if wanted is not None:
        if declaration.network not in (None, wanted):
            raise UsageProblem(
                f"the profile {rules.profile.name} takes `network: {wanted}` for granted, and the "
                f"declaration says `network: {declaration.network}`"
            )
        declaration = replace(declaration, network=wanted)
    bounds = replace(
        declaration.latency,
        ping_p99_ms=options.max_ping_p99_ms or declaration.latency.ping_p99_ms,
        invocation_p99_ms=options.max_invocation_p99_ms or declaration.latency.invocation_p99_ms,
        rate_per_s=options.rate or declaration.latency.rate_per_s,
        seconds=options.rate_seconds or declaration.latency.seconds,
    )
    if (bounds.rate_per_s or 0) * (bounds.seconds or rules.limits.load_s) > MOST_REQUESTS:
        raise UsageProblem(
            f"{bounds.rate_per_s:g} requests a second for {bounds.seconds or rules.limits.load_s:g} s "
            f"are more than {MOST_REQUESTS}: lower --sm-rate or --sm-rate-seconds"
        )
    return replace(rules, declaration=replace(declaration, latency=bounds))


def changed_limits(rules: Rules) -> dict[str, float]:
    """The limits that were replaced, patience apart: waiting longer weakens nothing."""
    published = limits.load()
    return {
        one.name: getattr(rules.limits, one.name)
        for one in fields(Limits)
        if one.name != "training_patience_s"
        and getattr(rules.limits, one.name) != getattr(published, one.name)
    }


def _declaration(options: Options) -> tuple[Declaration, tuple[str, ...]]:
    """The declaration, and what of the requests to AWS is not in it."""
    path, origin = options.declaration, "option"
    if path is None and options.look_here and Path(DECLARATION_FILE).is_file():
        path, origin = Path(DECLARATION_FILE), "file"
    if options.aws:
        from sm_conformance.aws.declaring import declare
        from sm_conformance.aws.requests import read_requests

        requests = read_requests(options.aws, s3=options.s3)
        return declare(requests, path=path, origin="aws"), requests.notes
    if options.s3 is not None:
        raise UsageProblem("--sm-s3 is the data of requests to AWS, and none is given")
    if path is None:
        return nothing_declared(), ()
    return load_declaration(path, origin=origin), ()
