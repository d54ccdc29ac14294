"""Opens what one run judges with: the candidate, the rules, the engine and the laboratory.

Knows nothing of pytest: the plugin and the command line are two doors to it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from sm_conformance.candidate import Candidate
from sm_conformance.contract import clause, limits, profile
from sm_conformance.contract.clause import Contract
from sm_conformance.contract.limits import Limits
from sm_conformance.contract.profile import Profile
from sm_conformance.declaration.files import is_model_archive
from sm_conformance.declaration.loading import load as load_declaration
from sm_conformance.declaration.values import Declaration, nothing_declared
from sm_conformance.engine.protocol import Engine, NoSuchImage
from sm_conformance.errors import UsageProblem
from sm_conformance.inputs.generated import SEED
from sm_conformance.judgement.conclusion import ExitStatus, Judgement
from sm_conformance.judgement.report import Circumstances, build
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.lab import PLAIN_SERVER, Lab
from sm_conformance.laboratory.quiet import Quiet
from sm_conformance.observed.facts import EngineFacts, ImageFacts
from sm_conformance.observed.run import Server
from sm_conformance.run_folder import EVIDENCE, LOCK

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
    profile: str = "platform"
    limits: Path | None = None
    patience_s: float | None = None
    report: Path | None = None
    max_ping_p99_ms: float | None = None
    max_invocation_p99_ms: float | None = None
    keep: bool = False
    allow_network: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """What a candidate is judged by; known before any engine is asked."""

    contract: Contract
    profile: Profile
    limits: Limits
    declaration: Declaration


@dataclass(frozen=True, slots=True)
class Session:
    """One run: what is judged, by which rules, in which laboratory."""

    options: Options
    rules: Rules
    candidate: Candidate
    engine: Engine
    engine_facts: EngineFacts
    lab: Lab
    folder: Path
    began: float

    def close(self) -> None:
        """Ends everything that still goes and removes what the run made on the engine."""
        self.lab.close()
        abandoned = bool(self.lab.going())
        try:
            # Whatever still goes loses its container, and so notices soon.
            self.engine.close()
        finally:
            self.lab.join()
        if abandoned:
            # What was being made at that moment.
            self.engine.close()


def read_rules(options: Options) -> Rules:
    """The rules that the options name. Raises :class:`UsageProblem`."""
    if options.image is not None and (options.train_image or options.serve_image):
        raise UsageProblem(
            "--sm-image judges one image for both jobs; give either it or --sm-train-image and "
            "--sm-serve-image"
        )
    changed = limits.load_changed(options.limits) if options.limits else limits.load()
    for name in ("patience_s", "max_ping_p99_ms", "max_invocation_p99_ms"):
        value = getattr(options, name)
        if value is not None and not value > 0:
            option = name.removesuffix("_s").replace("_", "-")
            raise UsageProblem(f"--sm-{option} must be above 0, got {value:g}")
    if options.patience_s is not None:
        changed = replace(changed, training_patience_s=options.patience_s)
    if options.model_data is not None and not options.model_data.is_file():
        raise UsageProblem(f"--sm-model-data {options.model_data}: no such file")
    if options.model_data is not None and not is_model_archive(options.model_data):
        raise UsageProblem(
            f"--sm-model-data {options.model_data}: it is no tar file compressed with gzip, as a "
            "model.tar.gz is"
        )
    declaration = _declaration(options)
    bounds = replace(
        declaration.latency,
        ping_p99_ms=options.max_ping_p99_ms or declaration.latency.ping_p99_ms,
        invocation_p99_ms=options.max_invocation_p99_ms or declaration.latency.invocation_p99_ms,
    )
    return Rules(
        contract=clause.load(),
        profile=profile.load(options.profile),
        limits=changed,
        declaration=replace(declaration, latency=bounds),
    )


def open_session(options: Options, rules: Rules, engine: Engine, *, folder: Path) -> Session:
    """The session on an engine that answers. Raises UsageProblem for an image that is not there.

    ``folder`` takes the evidence and, where the user wants them, the reports.
    """
    candidate = _candidate(options, rules.declaration, engine)
    facts = engine.facts()
    (folder / EVIDENCE).mkdir(parents=True, exist_ok=True)
    bench = Bench(
        engine=engine,
        candidate=candidate,
        limits=rules.limits,
        direct=facts.way == "direct",
        evidence=folder / EVIDENCE,
        quiet=Quiet(folder / LOCK),
        model=options.model_data,
        allow_network=options.allow_network,
        keep_failed=options.keep,
    )
    return Session(
        options=options,
        rules=rules,
        candidate=candidate,
        engine=engine,
        engine_facts=facts,
        lab=Lab(bench),
        folder=folder,
        began=time.monotonic(),
    )


def latency_figures(session: Session) -> dict[str, dict[str, Any]]:
    """The measured routes as the report has them; empty when nothing was measured."""
    server = session.lab.found(PLAIN_SERVER)
    if not isinstance(server, Server):
        return {}
    bounds = session.rules.declaration.latency
    measured = {
        "/ping": (server.ping_latency, bounds.ping_p99_ms),
        "/invocations": (server.invocation_latency, bounds.invocation_p99_ms),
    }
    connects = [took for took in server.connects_ms if took is not None]
    slowest = round(max(connects), 3) if connects else None
    return {
        route: {
            **summary.as_report(),
            "bound_ms": bound,
            "connect_ms": slowest,
            "samples_ms": [round(sample, 3) for sample in summary.samples_ms],
        }
        for route, (summary, bound) in measured.items()
        if summary is not None and summary.count
    }


def write_report(
    session: Session,
    judgement: Judgement,
    status: ExitStatus,
    *,
    latency: Mapping[str, Mapping[str, Any]],
    launches: int,
    complete: bool,
) -> dict[str, Any]:
    """The report as JSON data."""
    facts = session.engine_facts
    declaration = session.rules.declaration
    return build(
        judgement,
        session.rules.contract,
        status,
        Circumstances(
            images=[_image(image, roles) for image, roles in session.candidate.images],
            declaration={
                "from": declaration.origin,
                "sha256": declaration.sha256,
                "claims": sorted(session.candidate.claims),
            },
            profile=session.rules.profile.name,
            seed=SEED,
            engine={field.name: getattr(facts, field.name) for field in fields(facts)},
            limits_changed=changed_limits(session.rules),
            latency=latency,
            launches=launches,
            elapsed_s=time.monotonic() - session.began,
            complete=complete,
        ),
    )


def changed_limits(rules: Rules) -> dict[str, float]:
    """The limits that were replaced, patience apart: waiting longer weakens nothing."""
    published = limits.load()
    return {
        field.name: getattr(rules.limits, field.name)
        for field in fields(Limits)
        if field.name != "training_patience_s"
        and getattr(rules.limits, field.name) != getattr(published, field.name)
    }


def _declaration(options: Options) -> Declaration:
    if options.declaration is not None:
        return load_declaration(options.declaration, origin="option")
    here = Path(DECLARATION_FILE)
    if options.look_here and here.is_file():
        return load_declaration(here, origin="file")
    return nothing_declared()


def _candidate(options: Options, declaration: Declaration, engine: Engine) -> Candidate:
    training = options.image or options.train_image
    hosting = options.image or options.serve_image
    candidate = Candidate(
        training=_inspect(engine, training),
        hosting=_inspect(engine, hosting),
        declaration=declaration,
    )
    for half, named, option in (
        ("training", training, "--sm-train-image"),
        ("hosting", hosting, "--sm-serve-image"),
    ):
        if half in candidate.claims and named is None:
            raise UsageProblem(f"the declaration claims {half}, but {option} names no image for it")
    return candidate


def _inspect(engine: Engine, reference: str | None) -> ImageFacts | None:
    if reference is None:
        return None
    try:
        return engine.image(reference)
    except NoSuchImage as error:
        raise UsageProblem(
            f"the engine has no image {reference!r}; build it, or run: docker pull {reference}"
        ) from error


def _image(image: ImageFacts, roles: tuple[str, ...]) -> dict[str, Any]:
    return {
        "roles": list(roles),
        "reference": image.reference,
        "config_digest": image.config_digest,
        "manifest_digest": image.manifest_digest,
        "platform": f"{image.os}/{image.architecture}",
    }
