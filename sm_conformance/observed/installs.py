"""Notices attempts to install packages or to fetch models while a container starts."""

from __future__ import annotations

import re

from sm_conformance.observed.http import printable
from sm_conformance.observed.logs import Logs
from sm_conformance.observed.sought import Sought

# Where package indexes and model hubs live; their sub-domains count as well.
_HOSTS = (
    "pypi.org", "pythonhosted.org", "pypi.python.org", "anaconda.org", "anaconda.com",
    "huggingface.co", "hf.co", "download.pytorch.org", "registry.npmjs.org", "registry.yarnpkg.com",
    "cran.r-project.org", "cloud.r-project.org", "cran.rstudio.com", "deb.debian.org",
    "security.debian.org", "archive.ubuntu.com", "security.ubuntu.com", "dl-cdn.alpinelinux.org",
    "repo.maven.apache.org", "repo1.maven.org", "rubygems.org", "proxy.golang.org", "crates.io",
    "tfhub.dev", "nltk.org", "github.com", "raw.githubusercontent.com",
)  # fmt: skip
# What installers say of an index that they do not reach; a mere link to a hub is no attempt.
_SAYS_SO = re.compile(
    r"Could not find a version that satisfies the requirement"
    r"|Retrying \(Retry\(total=\d.{0,300}/simple/"
    r"|HTTPSConnectionPool\(host='(?P<host>[\w.-]{1,200})'"
    r"|(?:Could not resolve|Temporary failure resolving) '(?P<mirror>[\w.-]{1,200})'"
    r"|unable to access index for repository"
)
_LONGEST_LINE = 4096


def install_tried(sought: Sought, logs: Logs) -> str | None:
    """What shows such an attempt, in one printable line; None where nothing does.

    Names that were asked for show it where a launch is watched, else the log.
    """
    name = next((one for one in sought.names if _is_one(one)), None)
    if name is not None:
        return f"it asked for the name {name}"
    for stream in (logs.stderr, logs.stdout):
        for line in stream.decode("utf-8", "replace").splitlines():
            found = _SAYS_SO.search(line[:_LONGEST_LINE])
            host = (found.group("host") or found.group("mirror")) if found else None
            if found and (host is None or _is_one(host)):
                return f"its log says: {printable(line.strip())[:200]}"
    return None


def _is_one(name: str) -> bool:
    return any(name == host or name.endswith(f".{host}") for host in _HOSTS)
