"""What the documents say is so: commands parse, links lead somewhere, generated pages are fresh."""

from __future__ import annotations

import ast
import importlib
import re
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest

from sm_conformance import cli
from sm_conformance.contract import clause
from sm_conformance.declaration import loading as declaration
from tests.markdown import anchors, code_blocks, code_spans, commands, links

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "sm_conformance"
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("[!.]*/*.md")])
}
# Where the absolute paths begin that a document may name: places in a container, and routes.
IN_A_CONTAINER = (
    "/opt/ml", "/opt/program", "/bin/", "/dev/", "/etc/hosts", "/ping", "/invocations", "/models",
    "/execution-parameters", "/metrics", "/v1", "/adapters",
)  # fmt: skip
LIBRARIES = {"pytest", "docker"}

each_page = pytest.mark.parametrize("page", PAGES)


def called(program: str) -> list[Any]:
    """A parameter for every call of ``program`` in any document."""
    return [
        pytest.param(words, id=f"{page}: {program} {' '.join(words)}")
        for page, text in PAGES.items()
        for words in commands(text, program)
    ]


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "docs")
    return importlib.import_module("generate")


# Generated pages


def test_the_generated_pages_say_what_the_code_and_the_data_say(generate: ModuleType) -> None:
    stale = [path.name for path in generate.stale()]

    assert not stale, f"stale: {', '.join(stale)}; run: python docs/generate.py"


def test_a_page_that_says_something_else_or_is_missing_is_stale(
    generate: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "declaration.md").write_text(f"{generate.BEGIN}\nold\n{generate.END}\n", "utf-8")
    (tmp_path / "options.md").write_text("# Options\n", "utf-8")
    monkeypatch.setattr(generate, "DOCS", tmp_path)

    assert {path.name for path in generate.stale()} == {
        "contract.md",
        "options.md",
        "declaration.md",
    }

    generate.main()

    assert not generate.stale()


def test_a_page_without_its_markers_is_refused(generate: ModuleType) -> None:
    with pytest.raises(ValueError, match="no markers"):
        generate.between_markers(f"{generate.END} in front of {generate.BEGIN}", "table")


def test_every_clause_is_on_the_page_of_the_contract() -> None:
    headings = re.findall(r"^### (.+)$", PAGES["docs/contract.md"], re.MULTILINE)
    keys = [found.key for found in clause.load().clauses]

    assert Counter(heading for heading in headings if "-" in heading) == Counter(keys)


@pytest.mark.parametrize("name", ["reference", "decision_tree", "mars", "streaming"])
def test_the_lines_that_teach_the_declaration_are_those_of_the_sample(name: str) -> None:
    sample = (ROOT / "sample_images" / name / "sm-conformance.yaml").read_text("utf-8")
    taught = PAGES["docs/declaration.md"].partition(f": {name}\n")[2]
    lines = code_blocks(taught, "yaml")[0].splitlines()

    assert len(lines) > 5
    assert [line for line in lines if line not in sample.splitlines()] == []


@pytest.mark.parametrize("page", ["README.md", "docs/declaration.md"])
def test_every_declaration_that_a_page_shows_whole_is_lawful(page: str, tmp_path: Path) -> None:
    shown = [
        block for block in code_blocks(PAGES[page], "yaml") if re.search(r"^claims:", block, re.M)
    ]
    assert shown
    for block in shown:
        for name in re.findall(r"[\w/]+\.(?:csv|jpg|tar\.gz)", block):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(b"1,2\n")
            if name.endswith(".tar.gz"):
                with tarfile.open(tmp_path / name, "w:gz") as archive:
                    archive.addfile(tarfile.TarInfo("weights"))
        file = tmp_path / "sm-conformance.yaml"
        file.write_text(block, "utf-8")

        assert declaration.load(file, origin="option").claims


# Commands


@pytest.mark.parametrize("words", called("pytest"))
def test_a_call_of_pytest_parses(words: list[str], pytester: pytest.Pytester) -> None:
    config = pytester.parseconfig(*words)

    named = {name for name, value in vars(config.option).items() if value and "image" in name}
    assert named or "tests/" in " ".join(words)


def test_a_call_of_pytest_with_an_option_that_does_not_exist_does_not_parse(
    pytester: pytest.Pytester,
) -> None:
    with pytest.raises(pytest.UsageError):
        pytester.parseconfig("--sm-imagine=repo:tag")


@pytest.mark.parametrize("words", called("sm-conformance"))
def test_a_call_of_the_command_line_parses(words: list[str]) -> None:
    parsed = cli.make_parser().parse_args(words)

    number = getattr(parsed, "number", None)
    assert number is None or clause.load().find(number)


@pytest.mark.parametrize("words", [["judge", "repo:tag"], ["check", "--imagine"], ["explain"]])
def test_a_call_of_the_command_line_that_is_wrong_does_not_parse(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.make_parser().parse_args(words)

    assert ended.value.code == 4


def test_both_programs_are_called_in_the_readme() -> None:
    assert commands(PAGES["README.md"], "pytest")
    assert commands(PAGES["README.md"], "sm-conformance")


@each_page
def test_every_option_of_ours_that_is_named_exists(page: str, generate: ModuleType) -> None:
    options = importlib.import_module("generator.options")
    known = {name for action in options.plugin_actions() for name in action.option_strings}

    assert set(re.findall(r"--sm-[a-z0-9-]+", PAGES[page])) <= known


@each_page
def test_every_target_of_make_that_is_named_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {words[0] for words in commands(PAGES[page], "make")}

    assert named <= targets


# Links and paths


@each_page
def test_every_link_leads_somewhere(page: str) -> None:
    broken = []
    for target in links(PAGES[page]):
        if urlsplit(target).scheme:
            continue
        path, _, fragment = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        if not file.exists() or (fragment and fragment not in anchors(file.read_text("utf-8"))):
            broken.append(target)

    assert not broken


def test_links_and_headings_are_seen_as_github_sees_them() -> None:
    text = "# Say `it` (twice)\n\n[a](b.md#c) `[no](link)` [d](#e)\n\n```sh\n# none\n[f](g)\n```\n"

    assert links(text) == ["b.md#c", "#e"]
    assert anchors(text) == {"say-it-twice"}


@each_page
def test_every_file_of_the_project_that_is_named_exists(page: str) -> None:
    folders = "|".join(
        path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "."
    )
    ours = re.compile(rf"(?:{folders})/\S+")
    named = {re.sub(r"<[^>]*>", "*", word) for span in code_spans(PAGES[page]) if "://" not in span
             for word in span.split() if ours.fullmatch(word)}  # fmt: skip

    assert not [name for name in named if not list(ROOT.glob(name.rstrip("/")))]


@each_page
def test_no_path_of_any_machine_is_named(page: str) -> None:
    paths = re.findall(r"(?<![\w.:/*}\]<)~-])(?:/[\w.-]+)+", PAGES[page])
    elsewhere = {path.rstrip(".") for path in paths if not path.startswith(IN_A_CONTAINER)}

    assert elsewhere <= {"/tmp", "/opt"}


@each_page
def test_no_document_has_blanks_at_the_end_of_a_line_or_lacks_a_title(page: str) -> None:
    assert not re.search(r"[ \t]+$", PAGES[page], re.MULTILINE)
    assert re.search(r"\A(<!--.*-->\n\n)?# \S", PAGES[page])


# The architecture


def rooms() -> dict[str, set[str]]:
    """The table of ARCHITECTURE.md: each room with those that it may import."""
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \|([^|]*)\|$", PAGES["ARCHITECTURE.md"], re.MULTILINE)
    return {room: set(re.findall(r"`(\w+)`", allowed)) for room, allowed in rows}


def imports(room: str) -> Iterator[tuple[str, str]]:
    """What the modules of a room import: the file, and one of our rooms or a library."""
    for file in [PACKAGE / f"{room}.py", *sorted((PACKAGE / room).rglob("*.py"))]:
        if not file.is_file():
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module == "sm_conformance":
                names = [f"sm_conformance.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                first, _, rest = name.partition(".")
                where = file.relative_to(PACKAGE).as_posix()
                if first in LIBRARIES:
                    yield where, first
                elif first == "sm_conformance" and rest.partition(".")[0] not in ("", room):
                    yield where, rest.partition(".")[0]


def test_every_room_of_the_package_is_in_the_architecture() -> None:
    there = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or
             (path / "__init__.py").is_file()}  # fmt: skip

    assert set(rooms()) == there - {"__init__", "__main__"}


@pytest.mark.parametrize("room", rooms())
def test_a_room_imports_only_what_the_architecture_allows(room: str) -> None:
    allowed = rooms()[room] | LIBRARIES | {"__version__"}

    assert not [(file, name) for file, name in imports(room) if name not in allowed]


@pytest.mark.parametrize("room", rooms())
def test_only_a_few_rooms_know_pytest_and_only_the_engine_the_docker_sdk(room: str) -> None:
    knows = {name for _, name in imports(room)} & LIBRARIES
    doors = {"plugin", "pytest_run", "hookspecs", "suite", "cli"}

    assert knows == ({"docker"} if room == "engine" else {"pytest"} if room in doors else set())


def test_dependencies_point_one_way() -> None:
    table = rooms()
    while table:
        ground = [room for room, needs in table.items() if not needs]
        assert ground, f"these import each other: {', '.join(table)}"
        table = {room: needs - set(ground) for room, needs in table.items() if room not in ground}
