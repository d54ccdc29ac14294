"""What a listing in AWS Marketplace has to keep beyond the contract: its validation, rehearsed here."""

from __future__ import annotations

from sm_conformance.binding import clause
from sm_conformance.candidate import Candidate
from sm_conformance.judgement.outcome import Blocked, Broken, NotApplicable, NotRun, demand
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.listed import in_batch, samples, unlike
from sm_conformance.laboratory.steps.batch import RECORD
from sm_conformance.observed import timing
from sm_conformance.observed.http import Reply, printable
from sm_conformance.observed.installs import install_tried
from sm_conformance.observed.labels import media_type
from sm_conformance.observed.metering import HEADER, wrong
from sm_conformance.observed.run import Server, Stage, TrainRun
from sm_conformance.secrecy.shapes import secrets
from sm_conformance.suite.asked import asked

_LAUNCHES = ("train-plain", "serve-plain", "serve-batch")
_MOST_NAMED = 3


@clause("MKT-011", "declared-types", given="serve-batch", needs=Stage.ANSWERED)
def test_declared_types(server: Server, bench: Bench) -> None:
    """A sample of each declared content type is answered with a 2xx status."""
    hosting = bench.candidate.declaration.hosting
    if hosting is None or not hosting.requests:
        raise NotRun("no sample request is declared: say `hosting: {requests: …}`")
    for ordinary, sample in samples(hosting):
        if not _as_ordinary(server, ordinary).ok:
            raise Blocked("HOST-021 content-types")
        if server.other_model:  # it may well be for the other one
            continue
        name = in_batch(sample)
        reply = asked(server, name)
        demand(
            reply.ok,
            expected="2xx, as outside of a batch transform job",
            actual=f"{name}: {reply.describe()}",
            repeat=server.curl(name),
        )
    sampled = {one.content_type for one in hosting.requests}
    without = [kind for kind in hosting.content_types if kind not in sampled]
    if without:
        named = " or ".join(without[:_MOST_NAMED])
        raise NotRun(
            f"there is no sample request of the declared content type {named}; say "
            f"`hosting: {{requests: [{{content_type: {without[0]}, …}}]}}`"
        )


@clause("MKT-011", "response-types", given="serve-plain", needs=Stage.ANSWERED)
def test_response_types(server: Server, bench: Bench) -> None:
    """Each successful reply has a content type out of the declared response types."""
    hosting = bench.candidate.declaration.hosting
    if hosting is None or not hosting.accepts:
        raise NotApplicable("no response types are declared (`hosting: {accepts: …}`)")
    declared = {media_type(one) for one in hosting.accepts}
    for name, _ in samples(hosting):
        reply = server.replies.get(name)
        kind = reply.header("content-type") if reply is not None and reply.ok else None
        demand(
            kind is None or media_type(kind) in declared,
            expected=f"one of {', '.join(sorted(declared))}",
            actual=f"{name}: Content-Type {printable((kind or '')[:80])}",
            repeat=server.curl(name),
        )


@clause("MKT-012", "validation", given=("train-plain", "serve-batch"), needs=Stage.ANSWERED)
def test_validation(observed: TrainRun | Server, candidate: Candidate) -> None:
    """The validation profile's jobs succeed: training, then the model from it, then a batch transform."""
    if isinstance(observed, TrainRun):
        demand(observed.good, expected="exit code 0", actual=observed.story())
        return
    job, ordinary = observed.transformed, observed.ordinary
    if job is None:
        raise NotRun("the server ended before it could be sent a file to transform")
    if job.failed is not None:
        story = f"request {job.sent} of {job.requests}: {job.failed.describe()}"
        hosting = candidate.declaration.hosting
        declared = hosting is not None and hosting.transform is not None
        if job.guessed or (observed.other_model and not declared):
            raise NotRun(
                f"{story}; what is to be transformed was guessed from the sample request: say "
                "`hosting: {transform: …}`"
            )
        if job.failed.problem == "timeout":
            raise NotRun(f"{story}; a transform job may wait for longer")
        if ordinary is not None and timing.unreliable(ordinary):
            raise Blocked("HOST-010 invocation")
        raise Broken(
            expected="2xx to each request of the transform job",
            actual=story,
            repeat=observed.curl(RECORD),
        )
    if job.sent < job.requests:
        text = f"all of {job.sent} requests were answered, and no time was left for the others"
        raise NotRun(f"{text} of {job.requests}: declare a smaller file", excused=True)


@clause("MKT-015", "isolated", given=_LAUNCHES, needs=Stage.ANSWERED)
def test_isolated(observed: TrainRun | Server, candidate: Candidate, bench: Bench) -> None:
    """A listed image trains, serves and transforms without network and credentials."""
    demand(
        candidate.declaration.network != "needed",
        expected="an image that works isolated, as all that is listed does",
        actual="the declaration says `network: needed`",
    )
    if isinstance(observed, Server) and not bench.engine.facts().isolation_proved:
        raise NotRun("that no packet leaves cannot be proved on this engine", excused=True)
    works = observed.ready if isinstance(observed, Server) else observed.good
    demand(works, expected="it works isolated", actual=observed.story())


@clause("MKT-016", "no-install", given=_LAUNCHES)
def test_no_install(observed: TrainRun | Server) -> None:
    """Nothing is installed or downloaded when the container starts."""
    seen = install_tried(observed.sought, observed.logs)
    demand(
        seen is None,
        expected="no attempt to reach an index of packages or a model hub",
        actual=f"{observed.scenario}: {seen}",
    )


@clause("MKT-022", "metering-header", given="serve-plain", needs=Stage.ANSWERED)
def test_metering_header(server: Server, bench: Bench) -> None:
    """Each successful reply of a product with metering of its own reports its units in a valid X-Amzn-Inference-Metering header."""
    # How a stream reports its units is another matter.
    quick = [
        (name, server.replies[name])
        for name, sample in samples(bench.candidate.declaration.hosting)
        if name in server.replies and sample.stream is None
    ]
    if not quick:
        raise NotRun("no sample request is declared whose answer does not stream", excused=True)
    for name, reply in quick:
        told = wrong(reply) if reply.ok else None
        demand(
            told is None,
            expected=f'{HEADER}: {{"Dimension": "inference.count", "ConsumedUnits": 1}}',
            actual=f"{name}: {told}",
            repeat=server.curl(name),
        )


@clause(
    "MKT-023",
    "quiet-logs",
    given=("train-plain", "train-failing", "serve-plain", "serve-strange"),
    needs=Stage.STARTED,
)
def test_quiet_logs(observed: TrainRun | Server) -> None:
    """The logs show no access key, token, password in a URL or private key."""
    for stream in (observed.logs.stdout, observed.logs.stderr):
        text = stream.decode("utf-8", "replace")
        found = list(dict.fromkeys(one.shown for one in secrets(text)))
        demand(
            not found,
            expected="no value with the form of a secret",
            actual=f"the log of {observed.scenario} shows {', '.join(found[:_MOST_NAMED])}",
        )


@clause("MKT-026", "round-trip", given="serve-batch", needs=Stage.ANSWERED)
def test_round_trip(server: Server, candidate: Candidate) -> None:
    """The model that the product's training leaves goes through a tar.gz archive into its own serving image and works there."""
    training = candidate.declaration.training
    if "training" not in candidate.claims or (training and not training.yields_model):
        raise NotApplicable("no training of this product leaves a model")
    if not server.with_model:
        raise NotApplicable("it serves without model data")
    demand(server.replies["sample"].ok, expected="it works", actual=server.story())


@clause("MKT-028", "listing-samples", given="serve-batch", needs=Stage.ANSWERED)
def test_listing_samples(server: Server, bench: Bench) -> None:
    """The listing has a sample input and output for each content type, and the image reproduces the sample's shape."""
    hosting = bench.candidate.declaration.hosting
    declared = samples(hosting)
    for ordinary, sample in declared:
        if unlike(sample.expect, _as_ordinary(server, ordinary)) is not None:
            raise Blocked("HOST-010 expected-response")
        if server.other_model:
            continue
        name = in_batch(sample)
        reply = asked(server, name)
        if not reply.ok:
            raise Blocked("MKT-011 declared-types")
        said = unlike(sample.expect, reply)
        demand(
            said is None,
            expected="an answer of the shape of the declared response",
            actual=f"{name}: {said}",
            repeat=server.curl(name),
        )
    shown = {one.content_type for _, one in declared if one.expect is not None}
    without = [kind for kind in (hosting.content_types if hosting else ()) if kind not in shown]
    if without or not shown:
        named = ", ".join(without[:_MOST_NAMED]) or "any content type"
        raise NotRun(
            f"no sample output is declared of {named}: say `expect` of such a request", excused=True
        )


def _as_ordinary(server: Server, name: str) -> Reply:
    """What the ordinary server answered to the same request."""
    assert server.ordinary is not None, "the laboratory holds this server against the ordinary one"
    return asked(server.ordinary, name)
