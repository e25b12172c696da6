#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks that objects which run with the MMU off use no absolute addresses.

usage: check_position_independence.py READELF OBJECT...

Such code runs at the physical address to which the image was loaded, where an absolute (link-time) address is
wrong. Allowed are PC-relative relocations, debug information, the sizes and distances in the headers of the
Image, and the literals in boot/start.S that hold the addresses where it continues once the MMU is on.
"""
import re
import subprocess
import sys

ABSOLUTE = re.compile(r"\bR_AARCH64_(ABS64|ABS32|MOVW_\w+)\b")
ALLOWED_TARGETS = re.compile(r"\s(_image_size|_pe_\w+|\.text\.boot)\b")


def offences(readelf: str, path: str) -> list[str]:
    output = subprocess.run([readelf, "-rW", path], check=True, capture_output=True, text=True).stdout
    found, section = [], ""
    for line in output.splitlines():
        if line.startswith("Relocation section"):
            section = line.split("'")[1]
        elif ABSOLUTE.search(line) and ".debug" not in section and not ALLOWED_TARGETS.search(line):
            found.append(f"{path}: {section}: {line.strip()}")
    return found


def main() -> int:
    readelf, *objects = sys.argv[1:]
    found = [offence for path in objects for offence in offences(readelf, path)]
    for offence in found:
        print(f"absolute address in code that runs with the MMU off: {offence}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
