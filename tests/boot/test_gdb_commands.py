# SPDX-License-Identifier: BSD-2-Clause
"""Tests the gdb commands of scripts/gdb on a kernel that is stopped in QEMU."""

import re
import subprocess
import unittest
from pathlib import Path
from typing import Dict, List

PERCIVAL = Path(__file__).resolve().parents[2] / "percival"
VARIABLE = "percival::run_queues"
ON_CPU_1 = f"(char*)&{VARIABLE} + ($TPIDR_EL1 + (1 << 30))"  # for CPU 0: at 4k-48 slabs are 1 GiB apart
UNMAPPED = "0xffffff8000000000"  # between vmemmap and PCI I/O at 4k-48


def stopped(machine: List[str], function: str, commands: List[str]) -> Dict[str, str]:
    """Returns what each gdb command prints when the kernel has stopped at `function`."""
    words = [f"thbreak {function}", "continue"]
    for command in commands:
        words += [f"echo [[{command}]]\\n", command]
    words.append("echo [[end]]\\n")
    arguments = [word for command in words for word in ("-ex", command)]
    done = subprocess.run(
        [str(PERCIVAL), "debug", "--no-build", *machine, "--", "-batch", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    parts = re.split(r"\[\[(.*?)\]\]\n", done.stdout)
    if parts[-2:-1] != ["end"]:
        raise AssertionError(done.stdout)
    return dict(zip(parts[1::2], parts[2::2]))


def physical(walk: str) -> int:
    """Returns the physical address that a walk ended at."""
    match = re.search(r"^physical address P:(0x[0-9a-f]+)$", walk, re.MULTILINE)
    if match is None:
        raise AssertionError(walk)
    return int(match[1], 16)


class AtEl2Test(unittest.TestCase):
    def test_the_registers_are_those_of_el2(self) -> None:
        machine = ["--cpus", "2", "--machine", "virt,gic-version=3,virtualization=on"]
        walk = f"ptwalk &{VARIABLE} 1"
        of_cpu_1 = f"ptwalk (char*)&{VARIABLE} + ($TPIDR_EL2 + (1 << 30)) 0"
        commands = ["roots", "threads", walk, of_cpu_1]
        out = stopped([*machine, "--append", "el=2"], "percival::run_selftests", commands)
        pattern = r"[* ] cpu\d: root P:(0x[0-9a-f]+), TTBR1_EL2 P:\1, its own"
        lines = out["roots"].splitlines()
        self.assertEqual(len(lines), 2, lines)
        for line in lines:
            self.assertRegex(line, f"^{pattern}$")
        self.assertIn("cpu1 runs idle", out["threads"])
        self.assertEqual(physical(out[walk]), physical(out[of_cpu_1]))


class FourCpusTest(unittest.TestCase):
    out: Dict[str, str] = {}

    @classmethod
    def setUpClass(cls) -> None:
        copies = [f"percpu {cpu} {VARIABLE}.value_.waiting_" for cpu in (0, 1)]
        local = [f"ptwalk &{VARIABLE} {cpu}" for cpu in (0, 1)]
        cls.out = stopped(
            ["--cpus", "4", "--append", "selftest=roots.*"],
            "percival::run_selftests",
            [
                *("roots", "threads", *local, *copies),
                *(f"ptwalk (char*)&{VARIABLE} + $TPIDR_EL1", f"ptwalk {ON_CPU_1} 0"),
                *(f"ptwalk {UNMAPPED}", "ptwalk 0x1000", "percpu 1 boot_thread", "percpu 4 idle_thread"),
                *("percpu 1", "ptwalk"),
            ],
        )

    def test_every_cpu_is_on_the_root_that_was_made_for_it(self) -> None:
        lines = self.out["roots"].splitlines()
        pattern = r"[* ] cpu(\d): root P:(0x[0-9a-f]+), TTBR1_EL1 P:(0x[0-9a-f]+), its own"
        found = [match.groups() for match in (re.fullmatch(pattern, line) for line in lines) if match]
        self.assertEqual([cpu for cpu, _, _ in found], ["0", "1", "2", "3"], lines)
        self.assertTrue(all(root == current for _, root, current in found), lines)
        self.assertEqual(len({root for _, root, _ in found}), 4)
        self.assertEqual([line[0] for line in lines], ["*", " ", " ", " "])

    def test_the_walk_of_a_local_address_leads_to_another_page_on_each_cpu(self) -> None:
        walks = [self.out[f"ptwalk &{VARIABLE} {cpu}"] for cpu in (0, 1)]
        self.assertNotEqual(physical(walks[0]), physical(walks[1]))
        for walk in walks:
            self.assertEqual(re.findall(r"^level (\d): .* (\w+)$", walk, re.MULTILINE)[0], ("0", "table"))
            self.assertEqual(re.findall(r"^level (\d): .* (\w+)$", walk, re.MULTILINE)[-1], ("3", "page"))

    def test_the_walk_begins_at_the_root_of_that_cpu(self) -> None:
        for cpu in (0, 1):
            root = re.search(rf"cpu{cpu}: root P:(0x[0-9a-f]+),", self.out["roots"])
            assert root is not None
            self.assertIn(f"level 0: P:{root[1]} entry 506: ", self.out[f"ptwalk &{VARIABLE} {cpu}"])

    def test_global_addresses_lead_to_the_same_pages_as_the_local_ones(self) -> None:
        own = self.out[f"ptwalk (char*)&{VARIABLE} + $TPIDR_EL1"]
        others = self.out[f"ptwalk {ON_CPU_1} 0"]
        self.assertEqual(physical(own), physical(self.out[f"ptwalk &{VARIABLE} 0"]))
        self.assertEqual(physical(others), physical(self.out[f"ptwalk &{VARIABLE} 1"]))

    def test_a_walk_of_an_unmapped_address_names_the_level_at_which_it_ends(self) -> None:
        self.assertRegex(self.out[f"ptwalk {UNMAPPED}"], r"\nnot mapped: invalid at level \d\n$")

    def test_a_percpu_variable_is_printed_from_the_cpus_global_address(self) -> None:
        at = []
        for cpu in (0, 1):
            name = f"{VARIABLE}.value_.waiting_"
            match = re.fullmatch(
                rf"{name} of cpu{cpu} at V:(0x\w+), everywhere V:(0x\w+): \{{.*_M_i = \d+\}}.*\n",
                self.out[f"percpu {cpu} {name}"],
            )
            self.assertIsNotNone(match, self.out)
            assert match is not None
            at.append((int(match[1], 16), match[2]))
        self.assertEqual(at[0][1], at[1][1])
        self.assertEqual(at[1][0] - at[0][0], 1 << 30)

    def test_threads_are_shown_by_name_and_state(self) -> None:
        lines = self.out["threads"].splitlines()
        self.assertRegex(lines[0], r"^cpu0 runs main, Running, priority 16, at V:0x")
        running = [line for line in lines if re.match(r"cpu\d runs ", line)]
        self.assertEqual([line[:4] for line in running], ["cpu0", "cpu1", "cpu2", "cpu3"])

    def test_wrong_arguments_are_refused_with_a_message(self) -> None:
        self.assertIn("is not in the kernel's half", self.out["ptwalk 0x1000"])
        self.assertIn("is not a static PerCpu variable", self.out["percpu 1 boot_thread"])
        self.assertIn("there is no CPU 4; there are 0 to 3", self.out["percpu 4 idle_thread"])
        self.assertEqual(self.out["percpu 1"], "percpu CPU VARIABLE\n")
        self.assertEqual(self.out["ptwalk"], "ptwalk ADDRESS [CPU]\n")


class OneCpuTest(unittest.TestCase):
    def test_a_ready_thread_is_shown_after_the_running_one(self) -> None:
        asked = "selftest=threads.a_higher_priority_thread_preempts_a_lower_one_at_once"
        out = stopped(["--cpus", "1", "--append", asked], "percival::join", ["threads"])
        self.assertRegex(
            out["threads"],
            r"^cpu0 runs main, Running, priority 16, at V:0x\w+\n"
            r"(cpu0 has .*\n)*"  # the kernel's workers, if they have not run yet
            r"cpu0 has test, Ready, priority 8, at V:0x\w+\n",
        )


class CommonRootTest(unittest.TestCase):
    def test_all_cpus_are_on_one_root(self) -> None:
        arguments = ["--cpus", "2", "--append", "roots=common percpu=restart selftest=roots.*"]
        lines = stopped(arguments, "percival::run_selftests", ["roots"])["roots"].splitlines()
        pattern = r"[* ] cpu\d: root P:(0x[0-9a-f]+), TTBR1_EL1 P:(0x[0-9a-f]+), its own"
        found = [match.groups() for match in (re.fullmatch(pattern, line) for line in lines) if match]
        self.assertEqual(len(found), 2, lines)
        self.assertEqual(len({address for addresses in found for address in addresses}), 1, lines)


if __name__ == "__main__":
    unittest.main()
