# SPDX-License-Identifier: BSD-2-Clause
"""Checks the linked kernel: an operation on percpu data in a loop is one instruction per turn. An atomic
operation is linked as a branch. The section `alternatives` (arch/percpu_modes/alternatives.hpp) has the
instruction that replaces it on a CPU with LSE. The kernel's own suite emitted_code checks the same loops
after patching. Also checks places that no emulator shows, because it has no caches; test_emitted_order has
the rules for the whole image.
"""

import re
import sys
import unittest
from pathlib import Path
from typing import Dict, List

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from disassembly import OPTIONS, Instruction, code_of, instructions, reachable, symbols, tool  # noqa: E402
from frontdoor.paths import elf  # noqa: E402  (the path has to be set first)

WORD_AND_CODE = re.compile(
    r"^([0-9a-f]{16}):.*\.word\t0x([0-9a-f]{8})\n[0-9a-f]{16}: [0-9a-f]{8}\s+(\S+)", re.MULTILINE
)
LOADS_AND_STORES = ("ld", "st", "swp", "cas", "prfm")


def first_access_or_branch(code: List[Instruction]) -> Instruction:
    """Returns the first barrier, memory access or branch of the code."""
    names = ("dmb", "b", "cb", "tb", "ret", *LOADS_AND_STORES)
    return next(line for line in code if line.name.startswith(names))


def loop_of(kernel: Path, function: str) -> List[Instruction]:
    """Returns the instructions of the function's only loop, without the branch back."""
    code = code_of(kernel, f"percival::(anonymous namespace)::{function}(unsigned long)")
    back = [line for line in code if line.name.startswith(("b.", "cb", "tb")) and line.target < line.address]
    if len(back) != 1:
        raise AssertionError(f"{function} has {len(back)} loops: {code}")
    return [line for line in code if back[0].target <= line.address < back[0].address]


def alternatives(kernel: Path) -> Dict[int, str]:
    """Returns, for each patched address, the name of the instruction that replaces the one there."""
    at = symbols(kernel)
    ends = [f"--{end}-address={at[f'__{end}_alternatives']:#x}" for end in ("start", "stop")]
    text = tool("llvm-objdump-19", "-D", "-j", ".rodata", *ends, str(kernel))
    return {
        (int(at, 16) + int.from_bytes(bytes.fromhex(distance), "big", signed=True)) % 2**64: name
        for at, distance, name in WORD_AND_CODE.findall(text)
    }


# What a loop executes for each operation in a build of one mode, as linked: without FEAT_LSE.
NOTE, CLEAR = ["mov", "strh", "mrs"], ["strh"]
COUNT_UP, COUNT_DOWN = ["ldr", "add", "str", "mrs"], ["ldr", "sub", "str", "ldr", "cbnz"]
IN_LINE: Dict[str, Dict[str, List[str]]] = {
    "only-restart": {"read": ["ldr"], "write": ["str"], "add": ["add", "b"]},
    "only-fixup": {
        "read": [*NOTE, "ldr", *CLEAR],
        "write": [*NOTE, "str", *CLEAR],
        "add": [*NOTE, "add", "b", *CLEAR],
    },
    "only-guarded": {
        "read": [*COUNT_UP, "ldr", *COUNT_DOWN],
        "write": [*COUNT_UP, "str", *COUNT_DOWN],
        "add": [*COUNT_UP, "add", "b", *COUNT_DOWN],
    },
}
OF_X18 = re.compile(r"\b[xw]18\b")


class InLineTest(unittest.TestCase):
    """The builds of one mode."""

    def test_a_loop_has_the_sequence_of_the_mode_and_nothing_else(self) -> None:
        for preset, operations in IN_LINE.items():
            for operation, names in operations.items():
                with self.subTest(preset=preset, operation=operation):
                    loop = loop_of(elf(preset), f"{operation}_in_a_loop")
                    found = [line.name for line in loop]
                    found.remove("subs")
                    self.assertEqual(found, names)

    def test_the_patch_of_an_add_is_ldadd(self) -> None:
        for preset in IN_LINE:
            with self.subTest(preset=preset):
                (site,) = (line for line in loop_of(elf(preset), "add_in_a_loop") if line.name == "b")
                self.assertEqual(alternatives(elf(preset)).get(site.address), "ldadd")

    def test_x18_is_the_compilers_unless_the_mode_needs_it(self) -> None:
        for preset in IN_LINE:
            with self.subTest(preset=preset):
                code = instructions(tool("llvm-objdump-19", *OPTIONS, str(elf(preset))))
                uses = [line for line in code if OF_X18.search(line.operands)]
                of_sequences = [line for line in uses if re.search(r"^x\d+, x18, x|\[x18, x", line.operands)]
                self.assertGreater(len(uses), 100)
                if preset == "only-restart":
                    self.assertLess(len(uses) - len(of_sequences), 20)  # assembly saves and sets it
                else:
                    self.assertLess(len(of_sequences), len(uses) // 2)


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

    def test_a_switch_of_threads_waits_for_the_tlb_maintenance_of_its_cpu(self) -> None:
        for kernel in self.KERNELS:
            with self.subTest(kernel=kernel):
                code = [line.code for line in code_of(kernel, "switch_context")]
                self.assertLess(code.index("dsb ish"), code.index("ret"), code)

    def test_a_cpu_drops_what_it_fetched_before_its_caches_were_on(self) -> None:
        for kernel in self.KERNELS:
            with self.subTest(kernel=kernel):
                code = [line.code for line in code_of(kernel, "enable_mmu")]
                on = code.index("msr sctlr_el1, x0")
                self.assertEqual(code[on + 1 : on + 5], ["isb", "ic iallu", "dsb nsh", "isb"])

    def test_a_cpu_that_comes_online_fences_before_its_first_reader(self) -> None:
        name = "_ZN8percival10set_onlineENS_5CpuIdERKNS_4arch11CpuFeaturesE"
        for kernel in self.KERNELS:
            with self.subTest(kernel=kernel):
                code = [line.code for line in code_of(kernel, name)]
                state = max(at for at, line in enumerate(code) if line.startswith("stlr"))
                self.assertIn("dmb ish", code[state:])

    def test_a_cpu_whose_firmware_refuses_to_turn_it_off_is_parked(self) -> None:
        for kernel in self.KERNELS:
            with self.subTest(kernel=kernel):
                code = code_of(kernel, "percival::arch::turn_off_this_cpu()")
                (off,) = (at for at, line in enumerate(code) if "Psci::cpu_off() const>" in line.text)
                called = [line.text for line in reachable(code, off + 1) if line.name == "bl"]
                self.assertTrue(any("parking::park_this_cpu()" in text for text in called), called)

    def test_a_handler_masks_all_exceptions_after_a_switch(self) -> None:
        for kernel in self.KERNELS:
            with self.subTest(kernel=kernel):
                code = code_of(kernel, "percival::switch_at_interrupt_return()")
                after = [
                    following.code
                    for line, following in zip(code, code[1:])
                    if line.name == "bl" and "switch_threads" in line.text
                ]
                self.assertEqual(after, ["msr daifset, #0xf"])

    def test_every_read_of_par_stands_between_barriers(self) -> None:
        for kernel in self.KERNELS:
            with self.subTest(kernel=kernel):
                code = instructions(tool("llvm-objdump-19", *OPTIONS, str(kernel)))
                reads = [
                    number
                    for number, line in enumerate(code)
                    if line.name == "mrs" and "PAR_EL1" in line.operands
                ]
                self.assertGreater(len(reads), 0)
                for number in reads:
                    before, after = code[number - 1], first_access_or_branch(code[number + 1 :])
                    self.assertEqual(before.code, "dmb sy")
                    self.assertEqual(after.code, "dmb sy")

    def test_no_cache_line_is_cleaned_and_kept(self) -> None:
        for kernel in self.KERNELS:
            with self.subTest(kernel=kernel):
                code = instructions(tool("llvm-objdump-19", *OPTIONS, str(kernel)))
                operations = {line.operands.split(",")[0] for line in code if line.name == "dc"}
                self.assertIn("civac", operations)
                self.assertEqual({name for name in operations if name.startswith("cv")}, set())

    def test_a_load_from_a_device_has_acquire_semantics(self) -> None:
        for kernel in self.KERNELS:
            with self.subTest(kernel=kernel):
                code = code_of(kernel, "percival::arch::Uart::read(percival::UartRegister) const")
                loads = {line.name for line in code if line.name.startswith("ld")}
                self.assertLessEqual({"ldar", "ldarb", "ldarh"}, loads)

    def test_the_device_tree_is_written_back_before_it_is_read_with_the_mmu_off(self) -> None:
        readers = {
            "boot_build_tables": ("device_tree_size",),
            "percival::boot::(anonymous namespace)::continue_refusal()": (
                *("device_tree_size", "read_device_tree"),
                *("size_of_damaged_device_tree", "salvage_device_tree"),
            ),
        }
        for kernel in self.KERNELS:
            for function, calls in readers.items():
                code = code_of(kernel, function)
                for reader in calls:
                    with self.subTest(kernel=kernel, function=function, reader=reader):
                        places = [at for at, line in enumerate(code) if f"<percival::{reader}(" in line.text]
                        self.assertEqual(len(places), 1)
                        earlier = [at for at in range(places[0]) if code[at].name == "bl"]
                        between = [line.code for line in code[max(earlier) + 1 : places[0]]]
                        clean = [at for at, text in enumerate(between) if text.startswith("dc civac, ")]
                        self.assertTrue(clean, between)
                        self.assertIn("dsb sy", between[clean[-1] :])


if __name__ == "__main__":
    unittest.main()
