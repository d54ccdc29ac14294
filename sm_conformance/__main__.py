"""``python -m sm_conformance``: the command line."""

from __future__ import annotations

import sys

from sm_conformance.cli import main

sys.exit(main())
