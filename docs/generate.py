"""Makes the parts of the documentation that repeat what the code and the data say.

    python docs/generate.py

Writes ``docs/contract.md`` and ``docs/options.md`` whole, and in ``docs/declaration.md`` what
stands between the two markers. A test says when one of them is stale.
"""

from __future__ import annotations

from pathlib import Path

from generator import contract, declaration, options

DOCS = Path(__file__).resolve().parent
BEGIN = "<!-- Made by `python docs/generate.py`, down to the end mark; edit the schema instead. -->"
END = "<!-- end -->"


def documents() -> dict[Path, str]:
    """Each generated file with the text that it should have."""
    taught = DOCS / "declaration.md"
    return {
        DOCS / "contract.md": contract.page(),
        DOCS / "options.md": options.page(),
        taught: between_markers(taught.read_text("utf-8"), declaration.key_table()),
    }


def stale() -> dict[Path, str]:
    """Those of the files that are missing or say something else."""
    return {
        path: text
        for path, text in documents().items()
        if not path.is_file() or path.read_text("utf-8") != text
    }


def between_markers(page: str, made: str) -> str:
    """The page with ``made`` between its markers. Raises ValueError when they are not there."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"there are no markers {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n\n{made}\n\n{END}{after}"


def main() -> None:
    """Writes what is stale and names it."""
    for path, text in stale().items():
        path.write_text(text, "utf-8")
        print(f"docs/{path.name}: written")


if __name__ == "__main__":
    main()
