#!/usr/bin/env python3
"""Makes a Debian base image from packages, for machines that can pull no public one.

    python sample_images/base/make.py [TAG]

It needs root, a Docker engine, and a Debian mirror. What it installs is printed first, and
SM_NO_INSTALL=1 forbids it. The mirror is the one of this machine's apt, if that has Debian 12.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

SUITE = "bookworm"
DEFAULT_TAG = f"sm-conformance-base:{SUITE}"
SUITES = frozenset({SUITE, f"{SUITE}-updates", f"{SUITE}-security"})
CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
SYSTEM_BUNDLE = "etc/ssl/certs/ca-certificates.crt"
KEPT_BUNDLE = "etc/ssl/host-ca-bundle.crt"
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# The public slim image has these two as well: no service starts during a build, no manuals.
POLICY = "#!/bin/sh\nexit 101\n"
SLIM = "path-exclude=/usr/share/doc/*\npath-exclude=/usr/share/man/*\n"


class BaseError(Exception):
    """The base image could not be made; the message says why and what to do."""


def apt_sources() -> tuple[tuple[str, str], ...]:
    """Mirror address and suite of each Debian 12 source of this machine; none where it has none."""
    wanted = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    try:
        listed = subprocess.run(
            ["apt-get", "indextargets", "--format", wanted, "Identifier: Packages"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return ()
    found: dict[tuple[str, str], None] = {}
    for line in listed.splitlines():
        address, suite, component = line.split()
        if suite in SUITES and component == "main" and address.startswith(("http:", "https:")):
            found[address, suite] = None
    if SUITE not in {suite for _, suite in found}:
        return ()
    return tuple(found)


def ca_bundle() -> Path | None:
    """The certificate bundle that this machine's environment names, if there is one."""
    for variable in CA_VARIABLES:
        named = os.environ.get(variable)
        if named and Path(named).is_file():
            return Path(named)
    return None


def require_debootstrap() -> None:
    """Installs debootstrap where it is missing; raises `BaseError` where that is not allowed."""
    if os.geteuid() != 0:
        raise BaseError(
            "No public base image can be pulled, and making one needs root. "
            "Run this as root, or bring one: docker pull debian:bookworm-slim"
        )
    if shutil.which("debootstrap"):
        return
    install = ["apt-get", "install", "-y", "--no-install-recommends"]
    install += ["debootstrap", "debian-archive-keyring"]
    if os.environ.get("SM_NO_INSTALL") == "1":
        raise BaseError(f"SM_NO_INSTALL=1 forbids: {' '.join(install)}")
    if not shutil.which("apt-get"):
        raise BaseError("debootstrap is missing, and there is no apt-get to install it with.")
    print("installing: debootstrap debian-archive-keyring", flush=True)
    quietly(["apt-get", "update"])
    quietly(install)


def quietly(command: Sequence[str]) -> None:
    """Runs a command; raises `BaseError` with its last lines when it fails."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-20:])
        raise BaseError(f"{' '.join(command)} ended with {done.returncode}:\n{last}")


def debootstrap(root: Path) -> None:
    """Fills the folder `root` with a minimal Debian."""
    sources = apt_sources()
    # Elsewhere (Ubuntu, say) debootstrap knows a mirror itself, and writes it into the new root.
    mirror = [address for address, suite in sources if suite == SUITE][:1]
    command = ["debootstrap", "--variant=minbase"]
    if any(address.startswith("https:") for address, _ in sources):
        command.append("--include=ca-certificates")
    command += [SUITE, str(root), *mirror]
    # Mounts that debootstrap may leave behind end with a mount namespace of its own.
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0:
        command = ["unshare", "--mount", *command]
    quietly(command)
    lines = [f"deb {address} {suite} main\n" for address, suite in sources]
    if lines:
        (root / "etc/apt/sources.list").write_text("".join(lines))
    (root / "usr/sbin/policy-rc.d").write_text(POLICY)
    (root / "usr/sbin/policy-rc.d").chmod(0o755)
    (root / "etc/dpkg/dpkg.cfg.d").mkdir(exist_ok=True)
    (root / "etc/dpkg/dpkg.cfg.d/slim").write_text(SLIM)


def trust(root: Path, *, bundle: Path) -> list[str]:
    """Lets the image trust what this machine trusts; the Docker instructions that say so."""
    # update-ca-certificates writes the first anew, so programs are pointed to the second.
    for name in (SYSTEM_BUNDLE, KEPT_BUNDLE):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundle, root / name)
    return [f"ENV {variable}=/{KEPT_BUNDLE}" for variable in CA_VARIABLES]


def import_image(root: Path, *, tag: str, changes: Sequence[str]) -> None:
    """Makes the folder `root` the image `tag`, with Dockerfile instructions applied."""
    options = [part for change in changes for part in ("--change", change)]
    left_out = ["--exclude=./var/cache/apt/*", "--exclude=./var/lib/apt/lists/*"]
    with subprocess.Popen(
        ["tar", "-C", str(root), *left_out, "-c", "."], stdout=subprocess.PIPE
    ) as tar:
        imported = subprocess.run(
            ["docker", "import", *options, "-", tag],
            stdin=tar.stdout,
            capture_output=True,
            text=True,
        )
    if imported.returncode != 0 or tar.returncode != 0:
        raise BaseError(f"docker import of {tag} failed: {imported.stderr.strip()}")


def make(tag: str) -> None:
    """Makes the base image `tag`; raises `BaseError`."""
    require_debootstrap()
    with tempfile.TemporaryDirectory(prefix="sm-base-") as folder:
        root = Path(folder)
        root.chmod(0o755)
        debootstrap(root)
        changes = [f"ENV PATH={SEARCH_PATH}", 'CMD ["bash"]']
        bundle = ca_bundle()
        if bundle is not None:
            changes += trust(root, bundle=bundle)
        import_image(root, tag=tag, changes=changes)


if __name__ == "__main__":
    try:
        make(sys.argv[1] if len(sys.argv) > 1 else DEFAULT_TAG)
    except BaseError as problem:
        sys.exit(str(problem))
