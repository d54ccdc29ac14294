"""What a run is asked for on pytest's command line, as the rules know it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sm_conformance.aws.kinds import KINDS
from sm_conformance.rules import Options


def options_of(config: pytest.Config) -> Options:
    """The options of this run, from those of pytest."""
    option = config.option

    def path(name: str) -> Path | None:
        text = getattr(option, name)
        return Path(text) if text else None

    return Options(
        image=option.sm_image,
        train_image=option.sm_train_image,
        serve_image=option.sm_serve_image,
        declaration=path("sm_declaration"),
        look_here=not option.sm_hermetic,
        model_data=path("sm_model_data"),
        baseline=option.sm_baseline,
        profile=option.sm_profile,
        limits=path("sm_limits"),
        patience_s=option.sm_patience,
        report=path("sm_report"),
        aws={kind: file for kind in KINDS if (file := path(f"sm_{kind.replace('-', '_')}"))},
        s3=path("sm_s3"),
        max_ping_p99_ms=option.sm_max_ping_p99_ms,
        max_invocation_p99_ms=option.sm_max_invocation_p99_ms,
        rate=option.sm_rate,
        rate_seconds=option.sm_rate_seconds,
        scans=tuple(Path(text) for text in option.sm_scan or ()),
        cached=option.sm_cached,
        archive=path("sm_archive"),
        registry=option.sm_registry,
        keep=option.sm_keep,
        allow_network=option.sm_allow_network,
        watch_s=option.sm_watch,
        examples=option.sm_examples,
    )
