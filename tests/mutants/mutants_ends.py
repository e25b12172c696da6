# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of the console and of the Image's seal."""

from __future__ import annotations

from mutant import on_host

CONSOLE = (
    "tests/host/report/line_console_test.cpp",
    "kernel/report/line_console.cpp",
    "tests/host/support/clock.cpp",
    "kernel/lib/format.cpp",
)
SEAL = ("tests/host/image/image_seal_test.cpp",)

MUTANTS = (
    on_host(
        "console: a control character is sent as it is",
        "kernel/lib/printable.hpp",
        "        if (is_printable(c)) {",
        "        if (c != '\\0') {",
        CONSOLE,
        "LineConsoleTest.ALineWithControlCharactersStaysOneLineAndShowsThem",
    ),
    on_host(
        "seal: the order of the words does not count",
        "mm/image/image_seal.hpp",
        "        sums.weighted += sums.plain;",
        "        sums.weighted += word;",
        SEAL,
        "image_seal.*",
    ),
)
