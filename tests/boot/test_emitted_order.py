# SPDX-License-Identifier: BSD-2-Clause
"""Checks the linked kernels for what no emulator shows: barriers and context synchronization stand where the
architecture wants them, on every path through the image. An emulator completes each instruction before the
next one, has no caches, and would run just as well without them.
"""

import sys
import unittest
from pathlib import Path
from typing import Dict, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from disassembly import Image, Rule  # noqa: E402  (the path has to be set first)
from frontdoor.paths import elf  # noqa: E402

ACCESS = r"ld|st|swp|cas"
SHARED_STORE = r"st(?!.*\[sp)|swp|cas|ldadd|ldset|ldclr"  # what another CPU may see: not a spilled register
CALL = r"bl |blr|br "
LEAVES = CALL + r"|ret|eret"
OUT_OF_SIGHT = LEAVES + "|" + ACCESS
CALL_BUT_OF_INVALIDATE = r"bl (?!<.*::invalidate\()|blr|br "  # a batch may have several ranges
ENTRY = "paciasp"  # the first instruction of a function that calls others
HOLD = "percival::(anonymous namespace)::hold("
PATCH = "TextWriter::write("

BROADCAST = r"tlbi \w+is\b"
REPEATED = r"tlbi vale1is, xzr$"
LOCAL = r"tlbi \w+(?<!is)(,|$)"
# Functions that empty this CPU's TLB to measure what its walks cost.
MEASURED_COLD = (
    "count_reads(unsigned char const*, percival::Bytes)",
    "benchmark_this_cpu_add_cold_tlb()::$_0::__invoke(void const*)",
)
# The shapes that are probed have barriers of their own, or lack one on purpose.
PROBED = tuple(f"percival::Stage::{step}(" for step in ("invalidate", "flush", "complete"))
# Neighbouring reads of counters have their barriers in common.
OTHER_THAN_COUNTERS = r"(?!mrs \w+, pm(evcntr[0-2]|ccntr)_el0)"

# What a property needs of the image. A path without the needed instruction breaks its rule.
RULES: Dict[str, Tuple[Rule, ...]] = {
    # Arm ARM D8.16: the stores are complete before, and the invalidation is afterwards, on the same CPUs.
    "a broadcast TLBI stands between barriers for all CPUs": (
        Rule(BROADCAST, (r"dsb ish$",), CALL_BUT_OF_INVALIDATE + "|" + SHARED_STORE, backward=True),
        Rule(BROADCAST, (r"dsb ish$", "isb"), CALL_BUT_OF_INVALIDATE + "|" + SHARED_STORE),
    ),
    "the TLBI that an erratum adds is broadcast and waits for the one before": (
        Rule(REPEATED, (r"dsb ish$",), LEAVES + "|" + SHARED_STORE, backward=True),
        Rule(REPEATED, (r"dsb ish$", "isb"), LEAVES + r"|ld(?!.*\[sp)|" + SHARED_STORE),
    ),
    "a local TLBI waits for this CPU": (Rule(LOCAL, (r"dsb nsh$", "isb"), OUT_OF_SIGHT),),
    "the flush of one CPU completes its stores first": (
        Rule(LOCAL, (r"dsb nshst$", "isb", r"msr ttbr0_el1"), ".", True, "drop_idmap"),
    ),
    "the MMU is turned on with an empty TLB and without old instructions": (
        Rule(
            r"tlbi vmalle1$",
            (
                *(r"ic iallu", r"dsb nsh$", "isb", r"msr sctlr_el1, x0", "isb"),
                *(r"ic iallu", r"dsb nsh$", "isb", r"mrs x2, ttbr1_el1"),
            ),
            ".",
            in_function="enable_mmu",
        ),
    ),
    "the firmware's MMU is turned off before the kernel's instructions are fetched": (
        Rule(
            r"msr sctlr_el[12], x3",
            ("isb", r"ic iallu", r"dsb nsh$", "isb", r"br x1"),
            "(?!b ).",
            in_function="uefi_enter_kernel",
        ),
    ),
    # Arm ARM D8.2.3, D8.16.1: break-before-make for the whole address space.
    "a root is replaced through the empty root and an empty TLB": (
        Rule(
            r"msr ttbr1_el1, x1",
            ("isb", r"tlbi vmalle1$", r"dsb nsh$", "isb", r"msr ttbr1_el1, x0", "isb", "ret"),
            ".",
            in_function="replace_ttbr1",
        ),
    ),
    "a CPU tells that it is off its root when it is, and is back on it before it goes on": (
        Rule(
            r"msr ttbr1_el1, x1",
            ("isb", r"tlbi vmalle1$", r"dsb nsh$", "isb", r"mov w4", r"stlrb w4, \[x2\]"),
            ".",
            in_function="wait_off_root",
        ),
        Rule(
            r"ldaxrb w4, \[x3\]",
            (r"msr ttbr1_el1, x0", "isb", "ret"),
            "(?!cbz|wfe|ldaxrb)",
            in_function="wait_off_root",
        ),
    ),
    "a write to a register of the translation takes effect before it is relied on": (
        Rule(r"msr (ttbr0|ttbr1|tcr|mair)_el1", ("isb",), LEAVES),  # the MMU may still be off
        Rule(r"msr ttbr0_el1", ("isb",), OUT_OF_SIGHT, in_function="_idmap()"),
        Rule(r"msr sctlr_el1", ("isb",), OUT_OF_SIGHT, in_function="enable_mmu"),
        Rule(r"msr vbar_el1", ("isb",), LEAVES),
    ),
    "a table is empty for walkers before it is linked": (
        Rule(r"dc zva", (r"dsb ishst$", "isb"), LEAVES + "|ldxr|ldaxr|st.xr|cas", in_function="TableMaker<"),
    ),
    "a published descriptor is ordered before walks of its own CPU": (
        Rule(r"dsb ishst$", ("isb",), OUT_OF_SIGHT, in_function="KernelTables::allocate"),
        Rule(r"dsb ishst$", ("isb|tlbi|bl <.*::invalidate",), LEAVES, in_function="PageTable<"),
        Rule(r"dsb ishst$", ("isb|tlbi|bl <.*::invalidate",), LEAVES, in_function="LeafEditor<"),
    ),
    "a break is announced before entries are broken": (
        Rule("ret", (r"dsb ishst$", "cbnz", "stxr"), ACCESS, True, "LiveBreak::LiveBreak()"),
    ),
    "a spurious fault asks the MMU after it has looked for breaks": (
        Rule(
            "bl <percival::arch::translate",
            (r"dsb ish$", "ldar"),
            "|".join((CALL, "ret", SHARED_STORE)),
            True,
            "is_spurious(",
        ),
    ),
    "the result of an address translation is read after the translation": (
        Rule("at s1e1", ("isb", r"dmb sy", r"mrs \w+, par_el1"), "."),
    ),
    # Arm ARM B2.7.4.1.
    "patched text is clean to the point of unification before instruction caches drop it": (
        Rule(r"dc civac", (r"dsb ish$",), OUT_OF_SIGHT + "|ic|isb", in_function=PATCH),
        Rule(r"ic ivau", (r"dsb ish$",), LEAVES + "|dc|isb|st", backward=True),
        Rule(r"ic ivau", (r"dsb ish$", "isb"), OUT_OF_SIGHT),
    ),
    "a CPU that was held synchronizes its context before it goes on": (
        Rule("ret", ("isb", "ldarb"), "stl", True, HOLD),
    ),
    "a CPU is held after its stores, and goes on after those of the CPU that held it": (
        Rule("ldarb", ("stlxr",), ENTRY, True, HOLD),
        Rule("ret", ("ldar w",), ENTRY, True, "::WhileOthersAreHeld()"),
        Rule("bl <percival::arch::send_ipi", ("stlrb",), ENTRY, True, "::~WhileOthersAreHeld()"),
    ),
    "lines are in memory before anything relies on it": (
        Rule("dc civac", (r"dsb sy$",), OUT_OF_SIGHT, outside=PATCH),
    ),
    "an interrupt for another CPU is sent after the stores before it, and at once": (
        Rule("msr icc_sgi1r_el1", (r"dsb ishst$",), CALL + "|" + SHARED_STORE, backward=True),
        Rule("msr icc_sgi1r_el1", ("isb",), "."),
        Rule(r"str w", (r"dsb ishst$",), CALL + "|" + SHARED_STORE, True, "GicV2::send("),
        Rule(r"str w", (r"dsb ishst$",), CALL + "|" + SHARED_STORE, True, "Bcm2836::send("),
    ),
    "a handler sees the stores of the sender of its interrupt": (
        Rule(r"mrs \w+, icc_iar1_el1", (r"dsb sy$",), OUT_OF_SIGHT),
        Rule("ret", (r"dsb sy$",), ACCESS, True, "GicV2::acknowledge()"),
    ),
    "an interrupt is over before others are unmasked": (Rule("msr icc_eoir1_el1", ("isb",), "."),),
    "the interface to the GIC is set up before it is used": (
        Rule("msr icc_sre_el1", ("isb",), "."),
        Rule("msr icc_igrpen1_el1", ("isb",), OUT_OF_SIGHT + "|msr|mrs"),
        Rule("msr icc_igrpen1_el1", ("isb",), OUT_OF_SIGHT + "|msr|mrs", True, "::init_cpu("),
    ),
    "an alarm rings at its own time and stops before its interrupt ends": (
        Rule("msr cntv_cval_el0", ("isb", "msr cntv_ctl_el0", "isb"), OUT_OF_SIGHT),
        Rule("msr cntv_ctl_el0,", ("isb",), LEAVES),
    ),
    "the count is read in order": (Rule(r"mrs \w+, cntvct_el0", ("isb",), LEAVES + "|" + ACCESS, True),),
    "a counter of cycles covers what stands between its reads": (
        Rule(r"mrs \w+, pmevcntr0_el0", ("isb",), OTHER_THAN_COUNTERS),
        Rule(r"mrs \w+, pmevcntr0_el0", ("isb",), OTHER_THAN_COUNTERS, backward=True),
    ),
    "a CPU sleeps after its stores": (
        Rule("wfi", (r"dsb sy$",), ".", True, "run_idle_thread()"),
        Rule("wfi", (r"dsb sy$",), ".", True, HOLD),
    ),
    "an idle CPU takes its pending interrupts before it masks them again": (
        Rule("msr daifclr", ("isb",), OUT_OF_SIGHT + "|msr daifset", in_function="run_idle_thread()"),
    ),
    "a CPU starts after the stores of the one that starts it": (
        Rule(r"bl .*is_parked\(", (r"dsb sy$",), CALL, True, "arch::start_cpu("),
    ),
    "an event is sent after the stores that it is about": (
        Rule("sev$", (r"dsb sy$",), LEAVES + "|" + SHARED_STORE, backward=True),
    ),
    "a parked CPU is off its MMU before it tells, and tells before it looks for an entry": (
        Rule(
            r"msr sctlr_el1, x1",
            ("isb", "mov", r"str x2, \[x0, #0x100\]", r"dsb sy$", r"ldr x2, \[x0\]"),
            ".",
            in_function="wait_in_mailbox",
        ),
        Rule(r"msr sctlr_el1, x1", ("isb",), ".", True, "wait_in_mailbox"),  # erratum E1041 of Falkor
    ),
    "vector registers are allowed, or not, before what follows": (Rule("msr cpacr_el1", ("isb",), LEAVES),),
    "a breakpoint is armed, or not, before what follows": (
        Rule("msr (dbgb|mdscr)", ("isb",), LEAVES, in_function="percival::arch::Breakpoint::"),
    ),
    "a pending SError is taken where it is expected": (Rule("msr daifclr, #0x4", ("isb",), OUT_OF_SIGHT),),
}


class EmittedOrderTest(unittest.TestCase):
    def check(self, preset: str) -> None:
        image = Image(elf(preset))
        for name, rules in RULES.items():
            with self.subTest(name):
                messages = [message for rule in rules for message in image.broken(rule)]
                # The place of the instruction that a rule is about comes first.
                asked = [text for text in messages if not text.partition("` at ")[2].startswith(PROBED)]
                self.assertEqual(asked, [])
        with self.subTest("only code for one CPU invalidates locally"):
            users = {image.function_of[number] for number in image.matching(LOCAL)}
            own = {"enable_mmu", "replace_ttbr1", "wait_off_root", "percival::arch::drop_idmap()"}
            own |= {f"percival::(anonymous namespace)::{cold}" for cold in MEASURED_COLD}
            self.assertEqual(users, own)
        with self.subTest("the erratum's TLBI can follow every other broadcast"):
            for number in image.matching(f"(?!{REPEATED}){BROADCAST}"):
                if not image.function_of[number].startswith(PROBED):
                    self.assertTrue(image.reaches(number, REPEATED, "isb"), image.place(number))
        with self.subTest("instruction caches drop what was written back"):
            for number in image.matching("dc civac", PATCH):
                self.assertTrue(image.reaches(number, "ic ivau", LEAVES), image.place(number))

    # Each preset has other page tables, so other code around its TLBIs.
    def test_every_rule_holds_on_every_path(self) -> None:
        self.check("4k-48")

    def test_every_rule_holds_with_checks_between_the_instructions(self) -> None:
        self.check("debug")

    def test_every_rule_holds_with_52_bit_addresses(self) -> None:
        self.check("4k-52")

    def test_every_rule_holds_with_pages_of_64_kib(self) -> None:
        self.check("64k-48")

    # In a build of one mode other code stands around them.
    def test_every_rule_holds_with_one_mode_in_line(self) -> None:
        for mode in ("restart", "fixup", "guarded"):
            with self.subTest(mode):
                self.check(f"only-{mode}")

    def test_every_rule_breaks_without_its_instructions(self) -> None:
        image = Image(elf("4k-48"))
        for name, rules in RULES.items():
            for rule in rules:
                for pattern in rule.then:
                    with self.subTest(name, without=pattern):
                        self.assertTrue(image.broken(rule, without=pattern), rule)


if __name__ == "__main__":
    unittest.main()
