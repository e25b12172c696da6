#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Turns the `->NAME value` lines of a compiled arch/arm64/boot/asm_offsets.cpp into a header of #defines.

usage: make_asm_offsets.py INPUT.s OUTPUT.h
"""
import re
import sys


def main() -> int:
    source, output = sys.argv[1:3]
    with open(source, encoding="utf-8") as file:
        pairs = re.findall(r'\.ascii\s+"->(\w+) #?(-?\d+)"', file.read())
    if not pairs:
        print(f"{source}: no constants found", file=sys.stderr)
        return 1
    lines = ["/* Made by scripts/make_asm_offsets.py from arch/arm64/boot/asm_offsets.cpp. */"]
    lines += ["#pragma once"]
    lines += [f"#define {name} {int(value) & 0xFFFF_FFFF_FFFF_FFFF:#x}" for name, value in pairs]
    with open(output, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
