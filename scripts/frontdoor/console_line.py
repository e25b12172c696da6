# SPDX-License-Identifier: BSD-2-Clause
"""Takes from a console's line what the kernel did not write: noise of the line and of the boot loader, escape
sequences of a terminal, and what a tool has put before each line, such as a time.

The kernel writes printable ASCII only.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\^_])")
_NEVER_SENT = re.compile(r"[\0\r]")
_WITHOUT_NOISE_AROUND = re.compile(r"[ -~\t](?:.*[ -~\t])?", re.DOTALL)
_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d+)?"
# Exactly one blank belongs to what is put before a line: more are the line's own indentation.
_BEFORE_A_LINE = re.compile(
    r"(?:(?:"
    r"(?:<\d+>)?\[[ \d.:,TZ+-]+\]"  # [    1.234567], [2026-01-31 12:00:00.123]
    rf"|\d{{4}}-\d\d-\d\d[T ]{_CLOCK}(?:Z|[+-]\d\d:?\d\d)?"
    rf"|(?:[A-Z][a-z]{{2}} [ \d]\d )?{_CLOCK}"  # as `ts` writes it
    r"|[\w.:/@-]+ *\|"  # the name of a source: cpu0 |
    r")(?: |$))*"
)


def kernel_text(line: str) -> str:
    """Returns what the kernel wrote of a line. Bytes that were not UTF-8 may stand in `line` as U+FFFD. Noise
    within the text stays, so that a damaged line does not become another valid one."""
    text = _WITHOUT_NOISE_AROUND.search(_NEVER_SENT.sub("", _ESCAPE.sub("", line)))
    return _BEFORE_A_LINE.sub("", text[0], count=1) if text else ""
