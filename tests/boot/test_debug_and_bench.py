# SPDX-License-Identifier: BSD-2-Clause
"""Tests `percival debug` and `percival bench` with the kernel that has been built."""

import json
import subprocess
import tempfile
import unittest
from pathlib import Path

MODES = ("local", "restart", "fixup", "guarded")
PERCIVAL = Path(__file__).resolve().parents[2] / "percival"


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs percival until it ends."""
    return subprocess.run(
        [str(PERCIVAL), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


class DebugTest(unittest.TestCase):
    def test_gdb_stops_at_the_first_line_with_its_source(self) -> None:
        done = run("debug", "--no-build", "--", "-batch", "-ex", "bt", "-ex", "info registers pc")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"breakpoint 1, kernel_main \(\) at \S*kernel/init/main\.cpp:\d+")
        self.assertRegex(done.stdout, r"\n#0 +kernel_main \(\)")
        self.assertRegex(done.stdout, r"\npc +0xf{4}")
        self.assertNotIn("percival: verdict", done.stdout, "the kernel ran on after gdb had ended")

    def test_gdb_names_the_functions_on_the_way_to_a_later_line(self) -> None:
        commands = ("-ex", "thbreak percival::run_selftests", "-ex", "continue", "-ex", "bt")
        done = run("debug", "--no-build", "--", "-batch", *commands)
        self.assertRegex(done.stdout, r"\n#0 +percival::run_selftests")
        self.assertRegex(done.stdout, r"\n#1 .* in percival::.*run")

    def test_gdbs_exit_code_is_passed_on(self) -> None:
        done = run("debug", "--no-build", "--", "-batch", "-ex", "quit 7")
        self.assertEqual(done.returncode, 7, done.stderr)


class BenchTest(unittest.TestCase):
    def test_the_results_are_the_same_in_every_run(self) -> None:
        runs = []
        with tempfile.TemporaryDirectory() as name:
            for attempt in range(2):
                out = Path(name) / f"{attempt}.json"
                done = run("bench", "--no-build", "--json", str(out), "this_cpu_*")
                self.assertEqual(done.returncode, 0, done.stderr)
                runs.append(json.loads(out.read_text()))
        self.assertEqual(runs[0], runs[1])
        self.assertEqual(runs[0]["preset"], "4k-48")
        instructions = {(row["name"], row["mode"]): row["instructions"] for row in runs[0]["results"]}
        costs = (("local", 1, 1, 1), ("restart", 4, 4, 1), ("fixup", 9, 9, 8), ("guarded", 14, 14, 13))
        for mode, add, read, by_pointer in costs:
            self.assertEqual(instructions["this_cpu_add", mode], add)
            self.assertEqual(instructions["this_cpu_read", mode], read)
            self.assertEqual(instructions["this_cpu_read_by_pointer", mode], by_pointer)
        for operation, first in (("add", 4), ("read", 2), ("write", 3)):
            self.assertEqual(instructions[f"this_cpu_{operation}_first", "local"], first)

    def test_whole_workloads_have_totals_in_every_mode_and_laws_over_numbers_of_cpus(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            out = Path(name) / "out.json"
            done = run("bench", "--no-build", "--cpus", "1,2,4", "--json", str(out), "macro_*", "scale_*")
            self.assertEqual(done.returncode, 0, done.stderr)
            report = json.loads(out.read_text())
        rows = {(row["name"], row["mode"], row["cpus"]): row for row in report["results"]}
        for workload in ("groups_10000", "thread_storm", "map_touch_unmap", "batched_counter"):
            for cpus in (1, 2, 4):
                totals = [rows[f"macro_{workload}", mode, cpus]["total"] for mode in MODES]
                self.assertEqual(totals, sorted(totals), workload)
                self.assertGreater(totals[0], 0)
        for mode in MODES:
            for cpus in (1, 2, 4):
                # 8,000 additions by each thread, in batches of 32; less than one batch is left on each CPU. A
                # thread that moves with its CPU's delta full may leave a slow path to the next one.
                slow_paths = rows["macro_batched_counter", mode, cpus]["slow_paths"]
                self.assertLessEqual(abs(slow_paths - 250 * cpus), cpus)
        laws = {(one["name"], one["mode"], one["count"]): one["law"]["kind"] for one in report["growth"]}
        for line in (
            *(("macro_groups_10000", mode, "address_space") for mode in MODES),
            *(("macro_batched_counter", mode, "total") for mode in MODES),
            ("scale_percpu_memory", "-", "bytes"),
        ):
            self.assertEqual(laws[line], "linear", line)
        self.assertRegex(done.stdout, r"\nmacro_groups_10000 +local +addresses +linear: ")

    def test_what_ran_before_does_not_change_what_percpu_memory_costs(self) -> None:
        found = []
        with tempfile.TemporaryDirectory() as name:
            out = Path(name) / "out.json"
            for before in ((), ("alloc_free_*", "kmalloc_*", "context_switch")):
                done = run("bench", "--no-build", "--json", str(out), "percpu_3_*", *before)
                self.assertEqual(done.returncode, 0, done.stderr)
                rows = json.loads(out.read_text())["results"]
                found.append([row for row in rows if row["name"].startswith("percpu_3_")])
        self.assertEqual([row["mode"] for row in found[0]], ["linked", "mapped"])
        for alone, later in zip(*found):
            self.assertEqual((alone["bytes"], alone["tables"]), (later["bytes"], later["tables"]))
            self.assertLess(abs(alone["instructions"] / later["instructions"] - 1), 0.002)

    def test_the_kernel_says_which_counters_an_emulator_has(self) -> None:
        done = run("bench", "--no-build", "pin")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("instrument: instructions: counted\n", done.stdout)
        self.assertIn("instrument: cycles: not counted: a multiplication takes as long", done.stdout)
        for counter in ("tlb_refills", "tlb_walks"):
            self.assertIn(f"instrument: {counter}: not counted: this PMU has no such event\n", done.stdout)

    def test_what_only_cycles_tell_is_not_measured_in_an_emulator(self) -> None:
        done = run("bench", "--no-build", "this_cpu_add_cold_*", "pin")
        self.assertEqual(done.returncode, 0, done.stderr)
        table = done.stdout.split("Linux preemptible")[1]
        for name in ("this_cpu_add_cold_cache", "this_cpu_add_cold_tlb"):
            self.assertIn(
                f"instrument: {name}: not measured: only cycles would tell, and none are counted\n", table
            )
            self.assertNotRegex(table, rf"\n{name} ")

    def test_each_kind_of_core_is_measured_on_a_cpu_of_its_own(self) -> None:
        midrs = "cpufeature.midr=cpu1:0x410fd034,cpu2:0x410fd092,cpu3:0x410fd092"
        with tempfile.TemporaryDirectory() as name:
            out = Path(name) / "cores.json"
            done = run("bench", "--no-build", "--json", str(out), "--append", midrs, "pin", "vmap_vunmap_16p")
            self.assertEqual(done.returncode, 0, done.stderr)
            rows = json.loads(out.read_text())["results"]
        cores = ("Neoverse-N1 r4p1", "Cortex-A53 r0p4", "Cortex-A73 r0p2")
        self.assertEqual([row["core"] for row in rows if row["name"] == "pin"], list(cores))
        self.assertEqual({row["instructions"] for row in rows if row["name"] == "pin"}, {8.01})
        self.assertEqual([row["core"] for row in rows if row["name"] != "pin"], [cores[0]])
        for cpu, core in enumerate(cores):
            self.assertIn(f"instrument: cpu{cpu}, {core}: instructions: counted\n", done.stdout)

    def test_a_machine_of_equal_cores_names_none_in_its_results(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            out = Path(name) / "cores.json"
            self.assertEqual(run("bench", "--no-build", "--json", str(out), "pin").returncode, 0)
            (row,) = json.loads(out.read_text())["results"]
        self.assertNotIn("core", row)

    def test_llvm_mca_estimates_the_loops_of_the_kernel_as_built(self) -> None:
        done = run("bench", "--no-build", "--mca", "this_cpu_read")
        self.assertEqual(done.returncode, 0, done.stderr)
        # The loop's own three instructions, and the load.
        self.assertRegex(done.stdout, r"\nthis_cpu_read +4( +[0-9.]+){5} +nothing\n")

    def test_a_benchmark_that_does_not_exist_is_a_failure(self) -> None:
        self.assertNotEqual(run("bench", "--no-build", "no_such_benchmark").returncode, 0)


if __name__ == "__main__":
    unittest.main()
