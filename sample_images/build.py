#!/usr/bin/env python3
"""Builds the sample images with the docker command.

    python sample_images/build.py [reference] [decision_tree] [mars] [streaming] [pytorch]
                                  [mutants] [mutants/FOLDER]

Without names it builds all of them but `pytorch`, which is large. An image whose sources and base
are unchanged is left alone.
A stand-alone program: it needs the standard library and the docker command, nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

HERE = Path(__file__).resolve().parent
SAMPLES = ("reference", "decision_tree", "mars", "streaming")
# Built only when they are named, they or a mutant of theirs: a gigabyte of libraries each.
LARGE = ("pytorch",)
SAMPLE_BASE = re.compile(r"^ARG BASE=sm-conformance/(\w+):latest$", flags=re.MULTILINE)
LOCAL_BASE = "sm-conformance-base:bookworm"
LABEL = "sm-conformance.source"
PULL_TIMEOUT_S = 60
AT_ONCE = 2
PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy")
PIP_SETTINGS = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST")


class BuildError(Exception):
    """An image could not be built; the message says why."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One image to build: its tag, its build context, its Dockerfile and its base image."""

    tag: str
    folder: Path
    dockerfile: Path
    base: str


@dataclass(frozen=True, slots=True)
class Built:
    """An image that the engine has: its id and the fingerprint of what it was built from."""

    id: str
    source: str


def docker(*arguments: str, timeout: float | None = None) -> subprocess.CompletedProcess[str]:
    """Runs the docker command, both output streams in one; raises `BuildError` if there is none."""
    try:
        return subprocess.run(
            ["docker", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout,
        )
    except FileNotFoundError as missing:
        raise BuildError("The docker command was not found on PATH.") from missing


def checked(*arguments: str) -> str:
    """The output of a docker command; raises `BuildError` with its last lines if it fails."""
    done = docker(*arguments)
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-25:])
        raise BuildError(f"docker {arguments[0]} ended with {done.returncode}:\n{last}")
    return done.stdout


def built(tags: Iterable[str]) -> dict[str, Built]:
    """Those of the tags that the engine has, found with one question for speed."""
    wanted = set(tags)
    answer = docker("image", "inspect", "--format", "{{json .}}", *sorted(wanted)).stdout
    found: dict[str, Built] = {}
    # The names that the engine does not know give other lines.
    for image in (json.loads(line) for line in answer.splitlines() if line.startswith("{")):
        labels = (image.get("Config") or {}).get("Labels") or {}
        for tag in wanted.intersection(image["RepoTags"] or []):
            found[tag] = Built(id=image["Id"], source=labels.get(LABEL, ""))
    return found


def base_image(dockerfile: Path) -> str:
    """The base of a sample: the public one its Dockerfile names, else one made on this machine."""
    named = re.search(r"^ARG BASE=(\S+)", dockerfile.read_text("utf-8"), flags=re.MULTILINE)
    if named is None:
        raise BuildError(f"{dockerfile}: no line 'ARG BASE=...' names the base image.")
    public = named[1]
    here = built([public, LOCAL_BASE])
    if public in here:
        return public
    if LOCAL_BASE in here:
        return LOCAL_BASE
    try:
        if docker("pull", "--quiet", public, timeout=PULL_TIMEOUT_S).returncode == 0:
            return public
    except subprocess.TimeoutExpired:
        pass
    print(f"{public} cannot be pulled: making {LOCAL_BASE} from Debian's packages", flush=True)
    if subprocess.run([sys.executable, str(HERE / "base" / "make.py"), LOCAL_BASE]).returncode != 0:
        raise BuildError(f"There is no base image for {dockerfile}.")
    return LOCAL_BASE


def sample_tag(name: str) -> str:
    """The tag of a sample image."""
    return f"sm-conformance/{name}:latest"


def sample(name: str) -> Recipe:
    """The recipe of a sample image."""
    dockerfile = HERE / name / "Dockerfile"
    if not dockerfile.is_file():
        raise BuildError(f"{dockerfile} does not exist.")
    base = base_image(dockerfile)
    return Recipe(tag=sample_tag(name), folder=HERE / name, dockerfile=dockerfile, base=base)


def mutant_folders() -> list[Path]:
    """The folders of all mutants, in the order of their names."""
    return sorted(folder for folder in (HERE / "mutants").glob("*/") if folder.is_dir())


def mutant(folder: Path) -> Recipe:
    """The recipe of a mutant: its own Dockerfile, or else the one that all mutants share."""
    own = folder / "Dockerfile"
    dockerfile = own if own.is_file() else HERE / "mutants" / "Dockerfile"
    tag = f"sm-conformance/mutant-{folder.name.lower()}:latest"
    named = SAMPLE_BASE.search(dockerfile.read_text("utf-8"))
    base = sample_tag(named[1] if named else "reference")
    return Recipe(tag=tag, folder=folder, dockerfile=dockerfile, base=base)


def fingerprint(recipe: Recipe, *, base_id: str) -> str:
    """A digest of all that goes into an image: base, Dockerfile, names, modes and contents."""
    digest = hashlib.sha256(base_id.encode())
    files = (path for path in recipe.folder.rglob("*") if "__pycache__" not in path.parts)
    for path in [recipe.dockerfile, *sorted(files)]:
        content = os.readlink(path).encode() if path.is_symlink() else b""
        if not content and path.is_file():
            content = path.read_bytes()
        name = path.relative_to(HERE).as_posix()
        digest.update(f"\0{name}\0{path.lstat().st_mode:o}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def build_arguments(dockerfile: Path) -> list[str]:
    """The --build-arg options that pass this machine's proxies and pip index on, by name only."""
    declared = re.findall(r"^ARG (\w+)", dockerfile.read_text("utf-8"), flags=re.MULTILINE)
    # An engine knows the proxies without ARG, and complains of any other undeclared name.
    names = [form for name in PROXIES for form in (name, name.upper())]
    names += [name for name in PIP_SETTINGS if name in declared]
    return [part for name in names if name in os.environ for part in ("--build-arg", name)]


def make_image(recipe: Recipe, *, source: str) -> float:
    """Builds one image and tags it; how many seconds that took. Raises `BuildError`."""
    started = time.monotonic()
    options = ["--network", "host", "--force-rm", "--label", f"{LABEL}={source}"]
    options += ["-f", str(recipe.dockerfile), *build_arguments(recipe.dockerfile)]
    if re.search(r"^ARG BASE\b", recipe.dockerfile.read_text("utf-8"), flags=re.MULTILINE):
        options += ["--build-arg", f"BASE={recipe.base}"]
    changes = recipe.folder / "image.json"
    try:
        if changes.is_file():
            changed_image(recipe, options=options, changes=json.loads(changes.read_text("utf-8")))
        else:
            checked("build", *options, "-t", recipe.tag, str(recipe.folder))
    except BuildError as problem:
        raise BuildError(f"{recipe.tag}: {problem}") from problem
    return time.monotonic() - started


def changed_image(recipe: Recipe, *, options: Sequence[str], changes: dict[str, str]) -> None:
    """Builds an image and replaces fields of its config, such as the architecture it claims."""
    with tempfile.TemporaryDirectory(prefix="sm-build-") as folder:
        id_file, saved, loaded = (Path(folder) / name for name in ("id", "saved.tar", "loaded.tar"))
        # Not tagged until it is changed: a tag on the unchanged image would be taken for done.
        checked("build", *options, "--iidfile", str(id_file), str(recipe.folder))
        image_id = id_file.read_text().strip()
        checked("save", "-o", str(saved), image_id)
        rewrite_config(saved, loaded, tag=recipe.tag, changes=changes)
        checked("load", "-i", str(loaded))
        docker("image", "rm", image_id)


def rewrite_config(saved: Path, target: Path, *, tag: str, changes: dict[str, str]) -> None:
    """Copies a saved image with `changes` put in its config and `tag` as its only name."""
    with tarfile.open(saved) as old, tarfile.open(target, "w") as new:

        def read(name: str) -> bytes:
            member = old.extractfile(name)
            assert member is not None
            return member.read()

        def write(name: str, content: bytes) -> None:
            header = tarfile.TarInfo(name)
            header.size = len(content)
            new.addfile(header, BytesIO(content))

        (manifest,) = json.loads(read("manifest.json"))
        config = json.dumps(json.loads(read(manifest["Config"])) | changes).encode()
        # The other descriptions would still name the old config.
        dropped = {"manifest.json", manifest["Config"], "repositories", "index.json", "oci-layout"}
        for member in old:
            if member.name not in dropped:
                new.addfile(member, old.extractfile(member) if member.isreg() else None)
        name = hashlib.sha256(config).hexdigest() + ".json"
        write(name, config)
        described = {"Config": name, "RepoTags": [tag], "Layers": manifest["Layers"]}
        write("manifest.json", json.dumps([described]).encode())


def build_all(recipes: Sequence[Recipe], *, say: Callable[[str], None]) -> list[tuple[str, float]]:
    """Builds those images that are not up to date, a few at a time; all failures in one error."""
    here = built({recipe.tag for recipe in recipes} | {recipe.base for recipe in recipes})

    def one(recipe: Recipe) -> tuple[str, float] | BuildError:
        if recipe.base not in here:
            return BuildError(f"{recipe.tag}: its base {recipe.base} is missing.")
        source = fingerprint(recipe, base_id=here[recipe.base].id)
        if recipe.tag in here and here[recipe.tag].source == source:
            return recipe.tag, 0.0
        try:
            return recipe.tag, make_image(recipe, source=source)
        except BuildError as problem:
            return problem

    done: list[tuple[str, float]] = []
    problems: list[str] = []
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        for result in pool.map(one, recipes):
            if isinstance(result, BuildError):
                problems.append(str(result))
                continue
            tag, seconds = result
            say(f"{tag}: built in {seconds:.1f} s" if seconds else f"{tag}: unchanged")
            done.append(result)
    if problems:
        raise BuildError("\n\n".join(problems))
    return done


def say_now(line: str) -> None:
    """Prints a line at once, also into a pipe."""
    print(line, flush=True)


def build(
    names: Sequence[str] = (), *, say: Callable[[str], None] = say_now
) -> list[tuple[str, float]]:
    """Builds the named images, or all but the large; each tag with its seconds, 0.0 if unchanged.

    `mutants` means all mutants but those of large samples. A mutant is made of a sample, mostly
    `reference`, which is then built first.
    Raises `BuildError` for an unknown name, a failed build or an engine that does not answer.
    """
    folders = {f"mutants/{folder.name}": folder for folder in mutant_folders()}
    asked = list(names) or [*(name for name in SAMPLES if (HERE / name).is_dir()), "mutants"]
    unknown = sorted(set(asked) - {*SAMPLES, *LARGE, "mutants", *folders})
    if unknown:
        known = ", ".join([*SAMPLES, *LARGE, "mutants", "mutants/FOLDER"])
        raise BuildError(f"No such image: {', '.join(unknown)}. There are: {known}.")
    checked("version", "--format", "{{.Server.Version}}")
    large = {sample_tag(name) for name in LARGE}
    mutants = [
        recipe
        for name, recipe in ((name, mutant(path)) for name, path in folders.items())
        if name in asked or ("mutants" in asked and recipe.base not in large)
    ]
    needed = {recipe.base for recipe in mutants}
    samples = [name for name in (*SAMPLES, *LARGE) if name in asked or sample_tag(name) in needed]
    done = build_all([sample(name) for name in samples], say=say)
    return done + build_all(mutants, say=say)


if __name__ == "__main__":
    try:
        build(sys.argv[1:])
    except BuildError as problem:
        sys.exit(str(problem))
