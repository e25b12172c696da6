# SPDX-License-Identifier: BSD-2-Clause
"""Checks the linked kernel: an operation on percpu data in a loop is one instruction per turn. An atomic
operation is linked as a branch. The section `alternatives` (arch/percpu_modes/alternatives.hpp) has the
instruction that replaces it on a CPU with LSE. The kernel's own suite emitted_code checks the same loops
after patching. Also checks the order of what no emulator shows, because it has no caches.
"""

import re
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Dict, List, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from frontdoor.paths import elf  # noqa: E402  (the path has to be set first)

CODE = re.compile(r"^([0-9a-f]{16}):(?: [0-9a-f]{8})?\s+(\S+)\s*([^<\n]*)", re.MULTILINE)
WORD_AND_CODE = re.compile(
    r"^([0-9a-f]{16}):.*\.word\t0x([0-9a-f]{8})\n[0-9a-f]{16}: [0-9a-f]{8}\s+(\S+)", re.MULTILINE
)
LOADS_AND_STORES = ("ld", "st", "swp", "cas", "prfm")


class Instruction(NamedTuple):
    """One line of a disassembly."""

    address: int
    name: str
    operands: str

    @property
    def target(self) -> int:
        """The address to which a branch goes."""
        return int(self.operands.split()[-1], 16)


def _tool(name: str, *arguments: str) -> str:
    return subprocess.run([name, *arguments], capture_output=True, text=True, check=True).stdout


def code_of(kernel: Path, symbol: str) -> str:
    """Returns the disassembly of a function."""
    return _tool(
        "llvm-objdump-19", "-dC", "--no-show-raw-insn", f"--disassemble-symbols={symbol}", str(kernel)
    )


def loop_of(kernel: Path, function: str) -> List[Instruction]:
    """Returns the instructions of the function's only loop, without the branch back."""
    symbol = f"percival::(anonymous namespace)::{function}(unsigned long)"
    text = code_of(kernel, symbol)
    code = [Instruction(int(at, 16), name, operands.strip()) for at, name, operands in CODE.findall(text)]
    back = [line for line in code if line.name.startswith(("b.", "cb", "tb")) and line.target < line.address]
    if len(back) != 1:
        raise AssertionError(f"{function} has {len(back)} loops:\n{text}")
    return [line for line in code if back[0].target <= line.address < back[0].address]


def alternatives(kernel: Path) -> Dict[int, str]:
    """Returns, for each patched address, the name of the instruction that replaces the one there."""
    ends = [
        f"--{end}-address=0x{match[1]}"
        for end in ("start", "stop")
        for match in re.finditer(
            rf"^([0-9a-f]+) . __{end}_alternatives$", _tool("llvm-nm-19", str(kernel)), re.M
        )
    ]
    text = _tool("llvm-objdump-19", "-D", "-j", ".rodata", *ends, str(kernel))
    return {
        (int(at, 16) + int.from_bytes(bytes.fromhex(distance), "big", signed=True)) % 2**64: name
        for at, distance, name in WORD_AND_CODE.findall(text)
    }


class EmittedCodeTest(unittest.TestCase):
    KERNELS = (elf("4k-48"), elf("debug"))  # optimized alike, but `debug` has checks

    def test_add_in_a_loop_is_one_patchable_instruction_and_the_patch_is_ldadd(self) -> None:
        for kernel in self.KERNELS:
            with self.subTest(kernel=kernel):
                loop = loop_of(kernel, "add_in_a_loop")
                self.assertEqual([line.name for line in loop], ["b", "subs"])
                self.assertEqual(alternatives(kernel).get(loop[0].address), "ldadd")

    def test_read_in_a_loop_is_one_load(self) -> None:
        for kernel in self.KERNELS:
            with self.subTest(kernel=kernel):
                names = [line.name for line in loop_of(kernel, "read_in_a_loop")]
                self.assertEqual([name for name in names if name.startswith(LOADS_AND_STORES)], ["ldr"])
                self.assertEqual(sorted(names), ["add", "ldr", "subs"])

    def test_the_device_tree_is_written_back_before_it_is_read_with_the_mmu_off(self) -> None:
        readers = {
            "boot_build_tables": "device_tree_size",
            "percival::boot::refuse(char const*)": "read_device_tree",
        }
        for kernel in self.KERNELS:
            for function, reader in readers.items():
                with self.subTest(kernel=kernel, function=function):
                    before, call, _ = code_of(kernel, function).partition(f"<percival::{reader}(")
                    self.assertTrue(call, f"{function} does not call {reader}")
                    self.assertRegex(before, r"(?s)\tdc\tcivac, .*\tdsb\tsy\n")


if __name__ == "__main__":
    unittest.main()
