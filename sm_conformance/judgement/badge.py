"""The conclusion as a badge: a small SVG picture with the words that the last line has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from sm_conformance.judgement.conclusion import Conclusion
from sm_conformance.judgement.finding import Verdict

_LABEL = "SageMaker contract"
# Dark enough for white text (WCAG AA).
_COLOURS = {
    Conclusion.CONFORMANT: "#1a7f37",
    Conclusion.NONCONFORMANT: "#b42318",
    Conclusion.INCONCLUSIVE: "#7a5c00",
}
_CHARACTER_PX = 6.6
_MARGINS_PX = 16


def render(report: Mapping[str, Any]) -> str:
    """The SVG of a report that ``report.schema.json`` accepts; it names waivers."""
    conclusion = Conclusion(report["conclusion"])
    waived = sum(one["verdict"] == Verdict.WAIVED for one in report["findings"])
    text = conclusion.value
    if conclusion is Conclusion.CONFORMANT and waived:
        text += f" with {waived} waiver{'s' * (waived != 1)}"
    if not report["complete"]:
        text = "interrupted"
    environment = Environment(
        loader=PackageLoader("sm_conformance.judgement", "."),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template("badge.svg.j2").render(
        label=_LABEL,
        text=text,
        left=_width(_LABEL),
        right=_width(text),
        colour=_COLOURS[conclusion],
    )


def _width(text: str) -> int:
    return round(len(text) * _CHARACTER_PX) + _MARGINS_PX
