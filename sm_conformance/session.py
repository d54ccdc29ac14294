"""Opens what one run judges with: the candidate, the rules, the engine and the laboratory.

Knows nothing of pytest: the plugin and the command line are two doors to it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sm_conformance.candidate import Candidate
from sm_conformance.carried import carried
from sm_conformance.engine.protocol import Engine, NoSuchImage
from sm_conformance.errors import UsageProblem
from sm_conformance.inputs.generated import SEED
from sm_conformance.inputs.scenario import PLAIN_SERVER
from sm_conformance.judgement.conclusion import ExitStatus, Judgement
from sm_conformance.judgement.latency import figures
from sm_conformance.judgement.report import Circumstances, build
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.hidden import mask_of
from sm_conformance.laboratory.lab import Lab
from sm_conformance.laboratory.quiet import Quiet
from sm_conformance.observed.facts import EngineFacts, ImageFacts
from sm_conformance.observed.run import Server
from sm_conformance.rules import Options, Rules, changed_limits, declared
from sm_conformance.run_folder import EVIDENCE, LOCK
from sm_conformance.scans.reading import read as read_scan
from sm_conformance.scans.scan import Scan
from sm_conformance.secrecy.mask import Mask

if TYPE_CHECKING:
    from sm_conformance.aws.rule import Breach


_PLACES = {"archive": "an archive", "registry": "a registry"}


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
    # What static rules say of the requests to AWS: the breaches of each clause that they look at.
    breaches: Mapping[str, tuple[Breach, ...]]
    # What scanners found in the images.
    scans: tuple[Scan, ...]
    # Hides the secrets of the candidate in all that goes out.
    mask: Mask

    def close(self) -> None:
        """Ends everything that still goes and removes what the run made on the engine."""
        self.lab.close()
        abandoned = not self.lab.is_idle()
        try:
            # Whatever still goes loses its container, and so notices soon.
            self.engine.close()
        finally:
            self.lab.join()
        if abandoned:
            # What was being made at that moment.
            self.engine.close()


def open_session(options: Options, rules: Rules, engine: Engine, *, folder: Path) -> Session:
    """The session on an engine that answers. Raises UsageProblem for an image that is not there.

    ``folder`` takes the evidence and, where the user wants them, the reports.
    """
    training = _inspect(engine, options.image or options.train_image)
    hosting = _inspect(engine, options.image or options.serve_image)
    if not rules.declaration.declared:
        images = [image for image in (training, hosting) if image is not None]
        found = carried(engine, images, folder=folder)
        rules = declared(rules, found or rules.declaration, options)
    candidate = _candidate(rules, training, hosting)
    baseline = _baseline(engine, options, candidate)
    scans = tuple(_scan(path, candidate) for path in options.scans)
    images = [image for image in (training, hosting, baseline) if image is not None]
    declaration = rules.declaration
    mask = mask_of(engine, images, declaration.document, declaration.requests)
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
        watch_s=options.watch_s,
        examples=options.examples,
        baseline=baseline,
        at_rest=None if facts.launches else _not_launched(options, facts),
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
        breaches=_breaches(rules),
        scans=scans,
        mask=mask,
    )


def latency_figures(session: Session) -> dict[str, dict[str, Any]]:
    """The measured routes as the report has them; empty when nothing was measured."""
    server = session.lab.found(PLAIN_SERVER)
    if not isinstance(server, Server):
        return {}
    return figures(server, session.rules.declaration.latency)


def load_figures(session: Session) -> dict[str, Any] | None:
    """What several callers at once showed, as the report has it; None where there were none."""
    server = session.lab.found(PLAIN_SERVER)
    if not isinstance(server, Server) or server.load is None:
        return None
    return server.load.as_report(direct=server.direct)


def baseline_facts(session: Session) -> dict[str, Any] | None:
    """The image to compare with as a report has it; None where none was named."""
    image = session.lab.bench.baseline
    return None if image is None else _image(image, ("hosting",))


def write_report(
    session: Session,
    judgement: Judgement,
    status: ExitStatus,
    *,
    latency: Mapping[str, Mapping[str, Any]],
    load: Mapping[str, Any] | None,
    launches: int,
    complete: bool,
    baseline: Mapping[str, Any] | None = None,
    cached_of: str | None = None,
) -> dict[str, Any]:
    """The report as JSON data. ``cached_of`` is when it was judged, where it was not judged now."""
    facts = session.engine_facts
    declaration = session.rules.declaration
    return build(
        judgement,
        session.rules.contract,
        status,
        Circumstances(
            images=[_image(image, roles) for image, roles in session.candidate.images],
            waivers=[
                {
                    "clause": one.clause,
                    "reason": session.mask.text(one.reason),
                    "expires": one.expires.isoformat(),
                }
                for one in declaration.waivers
            ],
            declaration={
                "from": declaration.origin,
                "sha256": declaration.sha256,
                "claims": sorted(session.candidate.claims),
            },
            profile=session.rules.profile.name,
            seed=SEED,
            examples=session.options.examples,
            engine={field.name: getattr(facts, field.name) for field in fields(facts)},
            limits_changed=changed_limits(session.rules),
            latency=latency,
            load=load,
            launches=launches,
            elapsed_s=time.monotonic() - session.began,
            judged_at=datetime.now(UTC),
            complete=complete,
            baseline=session.mask.data(baseline),
            cached_of=cached_of,
        ),
    )


def _candidate(rules: Rules, training: ImageFacts | None, hosting: ImageFacts | None) -> Candidate:
    candidate = Candidate(
        training=training,
        hosting=hosting,
        declaration=rules.declaration,
        assumed=rules.profile.claims,
    )
    for half, named, option in (
        ("training", training, "--sm-train-image"),
        ("hosting", hosting, "--sm-serve-image"),
    ):
        if half in candidate.claims and named is None:
            raise UsageProblem(f"the declaration claims {half}, but {option} names no image for it")
    return candidate


def _baseline(engine: Engine, options: Options, candidate: Candidate) -> ImageFacts | None:
    """The image to compare with. Raises UsageProblem for one that is not there, or in vain."""
    if options.baseline is None:
        return None
    if candidate.hosting is None or "hosting" not in candidate.claims:
        raise UsageProblem("--sm-baseline compares servers, and this candidate has none")
    return _inspect(engine, options.baseline)


def _breaches(rules: Rules) -> Mapping[str, tuple[Breach, ...]]:
    if not rules.declaration.requests:
        return {}
    from sm_conformance.aws.checks import check

    return check(rules.declaration.requests)


def _scan(path: Path, candidate: Candidate) -> Scan:
    """What a scanner found. Raises UsageProblem where it was in another image."""
    scan = read_scan(path)
    images = [image for image, _ in candidate.images]
    if scan.of.is_another(images):
        named = ", ".join(sorted(scan.of.digests)[:3])
        own = ", ".join(image.config_digest for image in images)
        raise UsageProblem(f"scan {path}: it is of another image, {named}; judged is {own}")
    return scan


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
    platforms = () if image.manifest is None else image.manifest.platforms
    return {
        "roles": list(roles),
        "reference": image.reference,
        "config_digest": image.config_digest,
        "manifest_digest": image.manifest_digest,
        "platform": f"{image.os}/{image.architecture}",
        **({"repo_digests": list(image.repo_digests)} if image.repo_digests else {}),
        **({"index_of": list(platforms)} if len(platforms) > 1 else {}),
    }


def _not_launched(options: Options, facts: EngineFacts) -> str:
    """Why nothing is launched of an image that lies in an archive or a registry, and what to do."""
    load = f"docker load --input {options.archive}" if options.archive else "docker pull"
    return (
        f"nothing is launched of an image that lies in {_PLACES[facts.name]}: to have all judged, "
        f"bring it to an engine (`{load}`) and name it there"
    )
