# SPDX-License-Identifier: BSD-2-Clause
"""The program that ./percival starts. It makes `frontdoor` importable under that name only, so that none of
its modules can hide a module of the standard library."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from frontdoor.cli import main  # noqa: E402  (the path has to be set first)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
