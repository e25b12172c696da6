# SPDX-License-Identifier: BSD-2-Clause
"""Makes an input of a fuzzer: join_input.py OUT PART...

The input is the parts, one behind the other. A part with the name *.hex is text, with two hexadecimal digits
for each byte; any other is taken as it is.
"""

from __future__ import annotations

import sys
from pathlib import Path


def part(file: Path) -> bytes:
    return bytes.fromhex(file.read_text(encoding="ascii")) if file.suffix == ".hex" else file.read_bytes()


if __name__ == "__main__":
    out, *parts = map(Path, sys.argv[1:])
    out.write_bytes(b"".join(map(part, parts)))
