"""Dependencies point one way: who may import whom, compared with the imports that there are."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import sm_conformance

PACKAGE = Path(sm_conformance.__file__).resolve().parent
SAMPLES = PACKAGE.parent / "sample_images"

# A room is a folder of the package or a module beside them. Each row: what it may import of ours.
# Lower rows know nothing of higher ones.
ROOMS: dict[str, set[str]] = {
    # what both columns stand on
    "errors": set(),
    "specs": set(),
    "sources": {"specs"},
    "secrecy": set(),
    "run_folder": {"errors", "secrecy"},
    "observed": {"errors"},
    # what is demanded
    "contract": {"errors", "specs"},
    # what is run
    "data": set(),
    "declaration": {"data", "errors", "secrecy", "specs"},
    "aws": {"contract", "declaration", "errors", "secrecy"},
    "candidate": {"declaration", "observed"},
    "scans": {"errors", "observed", "specs"},
    "inputs": {"data", "declaration", "specs"},
    "engine": {"errors", "observed"},
    "registry": {"errors", "observed"},
    "at_rest": {"engine", "errors", "observed", "registry"},
    "laboratory": {
        "candidate", "contract", "declaration", "engine", "errors", "inputs", "observed", "secrecy",
    },
    # where they meet
    "binding": {"observed"},
    "judgement": {"contract", "declaration", "observed", "secrecy", "sources", "specs"},
    "suite.clauses": {
        "aws", "binding", "candidate", "contract", "judgement", "laboratory", "observed", "scans",
        "secrecy",
    },
    "rules": {"aws", "contract", "declaration", "errors", "judgement"},
    "results": {"candidate", "errors", "observed", "rules", "specs"},
    "carried": {"declaration", "engine", "errors", "observed"},
    "session": {
        "aws", "candidate", "carried", "engine", "errors", "inputs", "judgement", "laboratory",
        "observed", "rules", "run_folder", "scans", "secrecy",
    },
    "first_look": {
        "aws", "candidate", "carried", "contract", "declaration", "engine", "errors", "inputs",
        "laboratory", "observed", "run_folder", "secrecy",
    },
    "hold_open": {
        "engine", "errors", "inputs", "judgement", "laboratory", "observed", "rules", "run_folder",
        "secrecy", "session",
    },
    # the doors
    "hookspecs": {"engine"},
    "pytest_run": {
        "at_rest", "aws", "binding", "contract", "engine", "errors", "inputs", "judgement",
        "laboratory", "observed", "results", "rules", "run_folder", "secrecy", "session",
    },
    "plugin": {"aws", "hookspecs", "pytest_run"},
    "suite.conftest": {
        "binding", "candidate", "contract", "laboratory", "observed", "pytest_run", "scans",
        "suite.clauses",
    },
    "coverage": {"binding", "contract"},
    "gate": {
        "contract", "declaration", "engine", "errors", "judgement", "registry", "run_folder",
    },
    "certificate": {
        "contract", "declaration", "engine", "errors", "judgement", "observed", "registry",
        "run_folder", "specs",
    },
    "cli": {
        "aws", "certificate", "contract", "coverage", "engine", "errors", "first_look", "gate",
        "hold_open", "judgement", "pytest_run", "sources",
    },
    "__main__": {"cli"},
}  # fmt: skip

# Libraries that not everybody may know.
LIBRARIES: dict[str, set[str]] = {
    "pytest": {"cli", "hookspecs", "plugin", "pytest_run", "suite.conftest"},
    "xdist": {"pytest_run"},
    "docker": {"engine"},
    "dnslib": {"engine"},
    "requests": {"engine", "registry"},
    "oras": {"registry"},
    "jinja2": {"judgement"},
    "jsonschema": {"certificate", "contract", "declaration", "results", "scans"},
    "referencing": {"certificate"},
    "securesystemslib": {"certificate"},
    "cryptography": {"certificate"},
    "rfc8785": {"certificate"},
    "botocore": {"aws"},
    "pyarrow": {"data"},
    "google": {"data"},
    "PIL": {"data"},
    "yaml": {"aws", "contract", "declaration", "specs"},
    "hypothesis": {"inputs"},
    "sseclient": {"observed"},
    "hypothesis_jsonschema": {"inputs"},
}  # fmt: skip


def room(name: str) -> str:
    """The room of a module of ours, by its dotted name."""
    parts = name.split(".")
    if len(parts) == 1:
        return ""  # the package itself, which only holds the version
    if parts[1] != "suite" or len(parts) == 2:
        return parts[1]
    return f"suite.{parts[2]}" if parts[2] == "conftest" else "suite.clauses"


@cache
def modules() -> tuple[tuple[str, str, ast.Module], ...]:
    """Room, path and syntax tree of every module."""
    paths = [path.relative_to(PACKAGE.parent) for path in sorted(PACKAGE.rglob("*.py"))]
    return tuple(
        (
            room(".".join(path.with_suffix("").parts)),
            str(path),
            ast.parse((PACKAGE.parent / path).read_text("utf-8")),
        )
        for path in paths
    )


@cache
def imports() -> tuple[tuple[str, str, str], ...]:
    """Importing room, its file, and the dotted name of what it imports."""
    return tuple(
        (source, path, name) for source, path, tree in modules() for name in imported(tree)
    )


def imported(tree: ast.Module) -> Iterator[str]:
    """The dotted names that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            assert node.module is not None
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                path = PACKAGE.parent / Path(*whole.split("."))
                is_module = path.is_dir() or path.with_suffix(".py").is_file()
                yield whole if is_module else node.module


def edges() -> set[tuple[str, str, str]]:
    """Importing room, imported room, importing file; within one room anything goes."""
    return {
        (source, target, path)
        for source, path, name in imports()
        if name.split(".")[0] == "sm_conformance" and (target := room(name)) not in ("", source)
    }


def test_every_import_of_ours_is_in_the_picture() -> None:
    strange = sorted(
        f"{path}: {source} -> {target}"
        for source, target, path in edges()
        if target not in ROOMS.get(source, set())
    )

    assert not strange, "\n".join(strange)


def test_the_picture_shows_no_edge_that_is_gone() -> None:
    there = {(source, target) for source, target, _ in edges()}
    drawn = {(source, target) for source, targets in ROOMS.items() for target in targets}

    assert drawn - there == set()


def test_the_picture_has_every_room() -> None:
    there = {source for source, path, _ in modules() if not path.endswith("__init__.py")}

    assert there == set(ROOMS)


def test_dependencies_point_one_way() -> None:
    order = list(TopologicalSorter(ROOMS).static_order())

    assert order.index("errors") < order.index("plugin")


@pytest.mark.parametrize("library", sorted(LIBRARIES))
def test_a_library_is_known_only_where_it_is_needed(library: str) -> None:
    users = {source for source, _, name in imports() if name.split(".")[0] == library}

    assert users == LIBRARIES[library]


def test_the_engine_knows_nothing_of_what_is_demanded() -> None:
    known = {target for source, target, _ in edges() if source == "engine"}

    assert known.isdisjoint({"contract", "judgement", "suite.clauses", "pytest_run", "laboratory"})


def test_only_the_table_of_coverage_imports_by_name_at_run_time() -> None:
    sly = {
        path
        for _, path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name | ast.Attribute)
        and (node.func.id if isinstance(node.func, ast.Name) else node.func.attr)
        in ("__import__", "import_module")
    }

    # It looks through the suite, which nobody else may import.
    assert sly == {"sm_conformance/coverage.py"}


def test_sample_images_import_nothing_of_ours() -> None:
    scripts = [path for path in SAMPLES.rglob("*.py") if path.name != "build.py"]
    guilty = [
        path
        for path in scripts
        if any(name.split(".")[0] == "sm_conformance" for name in imported(_tree(path)))
    ]

    assert scripts
    assert guilty == []


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def test_the_plugin_imports_nothing_heavy() -> None:
    code = (
        "import sys, pytest, sm_conformance.plugin\n"
        "heavy = {'docker', 'dnslib', 'requests', 'jsonschema', 'yaml', 'jinja2', 'urllib3', "
        "'hypothesis'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "print(sorted(n for n in sys.modules if n.startswith('sm_conformance')))\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == [
        "[]",
        "['sm_conformance', 'sm_conformance.aws', 'sm_conformance.aws.kinds', "
        "'sm_conformance.plugin']",
    ]
