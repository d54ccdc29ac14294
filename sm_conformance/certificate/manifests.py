"""By which manifest an image is pulled, as its registry says.

A digest under which an engine pulled an image may be that of an index of several, of which it judged
one: such a digest names images that nobody has looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.registry.manifest import Manifest, several

# An engine keeps one for each repository that an image was ever pulled from or pushed to.
_MOST_ASKED = 5

Ask = Callable[[str], Manifest | None]


def with_manifests(report: Mapping[str, Any], ask: Ask) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The report with the digest of the manifest of each image that has one, and what was left out.

    ``ask`` gives the manifest that a reference by digest names. Raises :class:`UsageProblem` where
    all that names an image names others too.
    """
    images, notes = [], []
    for image in report["candidate"]["images"]:
        if image.get("index_of"):
            raise UsageProblem(
                f"the engine keeps {image['reference']} as an index of several images "
                f"({', '.join(image['index_of'])}), of which one was judged: build or pull that one alone"
            )
        digest = image["manifest_digest"]
        # An engine that keeps manifests calls an image by the digest that it was pulled by.
        for reference in image.get("repo_digests", ()):
            if reference.partition("@")[2] == image["config_digest"]:
                digest, note = _digest(reference, image["config_digest"], ask)
                if digest is None:
                    raise UsageProblem(
                        f"the engine knows {image['reference']} by {image['config_digest']} alone, which may "
                        f"be that of other images too ({note}): pull the one image by its own digest, or "
                        "try again where its registry answers"
                    )
                break
        for reference in image.get("repo_digests", ())[:_MOST_ASKED]:
            if digest is not None:
                break
            digest, note = _digest(reference, image["config_digest"], ask)
            notes += [note] if note else []
        images.append({**image, "manifest_digest": digest})
    return {**report, "candidate": {**report["candidate"], "images": images}}, tuple(notes)


def _digest(reference: str, config_digest: str, ask: Ask) -> tuple[str | None, str]:
    """The digest that ``reference`` names if it is that of this one image, else why it is left out."""
    try:
        found = ask(reference)
    except (HarnessTrouble, UsageProblem) as error:
        return None, f"{reference} is not named in it: {error}"
    if found is None:
        return None, f"{reference} is not named in it: it is in that registry no more"
    if several(found):
        return None, f"{reference} is not named in it: it is an index of several images"
    if config_digest not in (found.config_digest, found.digest):
        return None, f"{reference} is not named in it: the configuration there is another one"
    return found.digest, ""
