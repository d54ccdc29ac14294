"""The two ways in which a run can end without a verdict: the user's mistake and the harness's trouble.

    Exception
    ├── UsageProblem     unusable option, declaration, image name     exit status 4
    └── HarnessTrouble   no engine, full disk, engine died            exit status 3
        └── Unknowable   what nobody can tell from where the image lies: a clause is not run

Whatever a candidate does wrong is neither: it is a value (see ``observed``).
"""

from __future__ import annotations


class UsageProblem(Exception):
    """The user asked for something unusable; the text is one clear message, shown without a traceback."""


class HarnessTrouble(Exception):
    """The harness could not do its work; the text says what was tried. Never the candidate's fault."""


class Unknowable(HarnessTrouble):
    """What was asked cannot be known from where the image lies; the text says why."""
