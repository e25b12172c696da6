# SPDX-License-Identifier: BSD-2-Clause
"""Checks that each barrier of arch/cpu/barrier.hpp compiles to the instruction of that name."""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# The architecture's names for the options (Arm ARM C6.2, DMB and DSB).
OPTIONS = {
    ("OuterShareable", "Load"): "oshld",
    ("OuterShareable", "Store"): "oshst",
    ("OuterShareable", "Any"): "osh",
    ("NonShareable", "Load"): "nshld",
    ("NonShareable", "Store"): "nshst",
    ("NonShareable", "Any"): "nsh",
    ("InnerShareable", "Load"): "ishld",
    ("InnerShareable", "Store"): "ishst",
    ("InnerShareable", "Any"): "ish",
    ("FullSystem", "Load"): "ld",
    ("FullSystem", "Store"): "st",
    ("FullSystem", "Any"): "sy",
}
WANTED = {
    f"{name}_{shareability}_{access}": f"{name} {option}"
    for name in ("dmb", "dsb")
    for (shareability, access), option in OPTIONS.items()
}


def source() -> str:
    """Returns C++ source with one function for each barrier."""
    functions = []
    for function in WANTED:
        name, shareability, access = function.split("_")
        barrier = f"{name}<Shareability::{shareability}, Access::{access}>()"
        functions.append(f'extern "C" void {function}() {{ {barrier}; }}')
    return "\n".join(['#include "arch/cpu/barrier.hpp"', "using namespace percival::arch;", *functions])


class BarrierTest(unittest.TestCase):
    def test_every_barrier_is_the_instruction_of_its_name(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            unit = Path(directory) / "barriers.cpp"
            unit.write_text(source(), encoding="utf-8")
            compiler = ["clang++-19", "--target=aarch64-linux-gnu", "-std=c++23", "-O2", "-c"]
            include = f"-I{ROOT / 'arch/arm64/include'}"
            subprocess.run([*compiler, include, str(unit), "-o", f"{unit}.o"], check=True)
            text = subprocess.run(
                ["llvm-objdump-19", "-d", "--no-show-raw-insn", f"{unit}.o"],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        bodies = re.findall(r"^[0-9a-f]+ <(\w+)>:\n((?:\s+[0-9a-f]+:.*\n?)+)", text, re.MULTILINE)
        found = {function: [line.split()[1:] for line in body.splitlines()] for function, body in bodies}
        self.assertEqual(found, {function: [code.split(), ["ret"]] for function, code in WANTED.items()})


if __name__ == "__main__":
    unittest.main()
