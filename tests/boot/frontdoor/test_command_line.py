# SPDX-License-Identifier: BSD-2-Clause
"""Tests ./percival as a user calls it, with a shell script as QEMU."""

import json
import os
import shutil
import subprocess
import unittest
from pathlib import Path

from support import HANGING, PASSED, ROOT, TreeTestCase
from frontdoor.boot_arguments import TABLE
from frontdoor.errors import EXIT_USAGE

BOOT = ("boot", "--no-build")


class BootTest(TreeTestCase):
    def test_the_exit_code_is_the_kernels_verdict(self) -> None:
        for code, word in enumerate(("passed", "failed", "panic", "hang")):
            done = self.run_percival(*BOOT, qemu=f"echo 'percival: verdict: {word}'; exit {code}")
            self.assertEqual(done.returncode, code, done.stderr)

    def test_a_verdict_by_power_off_comes_from_the_console(self) -> None:
        done = self.run_percival(
            *BOOT, "--append", "verdict=poweroff", qemu="echo 'percival: verdict: failed'"
        )
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertNotIn("semihosting", self.qemu_arguments()[self.qemu_arguments().index("-append") + 1])

    def test_the_last_verdict_line_counts(self) -> None:
        done = self.run_percival(
            *BOOT, qemu="echo 'percival: verdict: passed'; echo 'percival: verdict: panic'; exit 2"
        )
        self.assertEqual(done.returncode, 2)

    def test_a_run_without_a_verdict_exits_3_with_a_message(self) -> None:
        for qemu in (
            "exit 0",
            "exit 1",
            "exit 42",
            "kill -SEGV $$",
            "echo 'percival: verdict: passed'; exit 1",
        ):
            done = self.run_percival(*BOOT, qemu=qemu)
            self.assertEqual(done.returncode, 3, qemu)
            self.assertIn("percival: ", done.stderr)

    def test_the_console_goes_to_stdout_without_carriage_returns(self) -> None:
        out = self.state / "console"
        with out.open("wb") as file:
            command = [str(self.tree / "percival"), *BOOT]
            qemu = r"printf 'one\r\n  two\r\npercival: verdict: passed\r\n'; exit 0"
            self.assertEqual(
                subprocess.call(command, stdout=file, env={**self.environment, "FAKE_QEMU": qemu}), 0
            )
        self.assertEqual(out.read_bytes(), b"one\n  two\npercival: verdict: passed\n")

    def test_a_last_line_without_a_line_end_counts(self) -> None:
        done = self.run_percival(*BOOT, qemu="printf 'percival: verdict: passed'; exit 0")
        self.assertEqual(done.returncode, 0)

    def test_it_works_from_another_directory_and_through_a_symlink(self) -> None:
        link = self.state / "link"
        link.symlink_to(self.tree / "percival")
        done = self.run_percival(*BOOT, program=link, cwd=self.state)
        self.assertEqual(done.returncode, 0, done.stderr)
        kernel = self.qemu_arguments()[self.qemu_arguments().index("-kernel") + 1]
        self.assertEqual(Path(kernel).resolve(), (self.tree / "build/4k-48/Image").resolve())

    def test_a_directory_named_frontdoor_in_the_working_directory_does_not_matter(self) -> None:
        (self.state / "frontdoor").mkdir()
        (self.state / "frontdoor" / "__init__.py").write_text("raise SystemExit(99)")
        self.assertEqual(self.run_percival(*BOOT, cwd=self.state).returncode, 0)

    def test_icount_and_threads_exclude_each_other(self) -> None:
        self.run_percival(*BOOT, "--icount")
        self.assertIn("shift=0,sleep=off", self.qemu_arguments())
        self.assertNotIn("tcg,thread=multi", self.qemu_arguments())
        self.run_percival(*BOOT)
        self.assertIn("tcg,thread=multi", self.qemu_arguments())

    def test_more_cpus_than_the_host_can_give_threads_share_one(self) -> None:
        host_cpu = min(os.sched_getaffinity(0))
        for cpus, threads, said in ((64, "multi", ""), (65, "single", "65 CPUs are too many threads")):
            done = self.run_percival(
                *BOOT, "--cpus", str(cpus), preexec_fn=lambda: os.sched_setaffinity(0, {host_cpu})
            )
            self.assertIn(f"tcg,thread={threads}", self.qemu_arguments())
            self.assertEqual(said != "", "QEMU runs them in turn" in done.stderr, done.stderr)
            self.assertIn(said, done.stderr)

    def test_an_argument_for_qemu_reaches_it(self) -> None:
        self.run_percival(*BOOT, "--qemu-arg=-d", "--qemu-arg", "int")
        self.assertEqual(self.qemu_arguments()[-2:], ["-d", "int"])

    def test_a_board_without_a_device_tree_is_refused_with_the_option_that_gives_one(self) -> None:
        board = (*BOOT, "--machine", "sbsa-ref,x=y")
        done = self.run_percival(*board)
        self.assertEqual(done.returncode, EXIT_USAGE)
        self.assertRegex(done.stderr, "no device tree for the machine sbsa-ref: .* --dtb FILE")
        self.assertIsNone(self.qemu_pid())
        done = self.run_percival(*board, "--dtb", "no_such_file.dtb")
        self.assertEqual(done.returncode, EXIT_USAGE)
        self.assertIn("no_such_file.dtb", done.stderr)
        blob = self.state / "board.dtb"
        blob.touch()
        self.assertEqual(self.run_percival(*board, "--dtb", str(blob)).returncode, 0)
        self.assertEqual(self.qemu_arguments()[-2:], ["-dtb", str(blob)])
        self.assertEqual(self.run_percival(*board, "--qemu-arg=-dtb", f"--qemu-arg={blob}").returncode, 0)
        self.assertEqual(self.run_percival(*BOOT, "--machine", "virt-10.0").returncode, 0)

    def test_qemu_waits_for_gdb_on_the_local_host_only(self) -> None:
        done = self.run_percival(*BOOT, "--gdb")
        self.assertIn("tcp:127.0.0.1:1234", self.qemu_arguments())
        self.assertIn("-S", self.qemu_arguments())
        self.assertIn("target remote 127.0.0.1:1234", done.stderr)

    def test_a_missing_kernel_is_reported(self) -> None:
        (self.tree / "build/4k-48/Image").unlink()
        done = self.run_percival(*BOOT)
        self.assertEqual(done.returncode, 70)
        self.assertIn("Image", done.stderr)


class UsageTest(TreeTestCase):
    WRONG = (
        ("--cpus", "0"),
        ("--cpus", "513"),
        ("--cpus", "many"),
        ("--cpus", "9", "--machine", "virt,gic-version=2"),
        ("--memory", "64"),
        ("--memory", "plenty"),
        ("--preset", "nope"),
        ("--preset", "host"),
        ("--cpu", "no-such-cpu"),
        ("--timeout", "-1"),
        ("--timeout", "soon"),
        ("--no-such-option",),
        ("stray",),
    )

    def test_wrong_arguments_exit_64_with_a_message_and_start_nothing(self) -> None:
        for command in ("boot", "bench", "debug"):
            for wrong in self.WRONG:
                if command == "bench" and wrong == ("stray",):
                    continue  # in this command it is a glob
                with self.subTest(command=command, wrong=wrong):
                    done = self.run_percival(command, "--no-build", *wrong)
                    self.assertEqual(done.returncode, 64, done.stderr)
                    self.assertIn("percival", done.stderr)
                    self.assertIsNone(self.qemu_pid())

    def test_no_command_and_an_unknown_command_exit_64(self) -> None:
        for arguments in ((), ("fly",), ("boot", "--cpu")):
            self.assertEqual(self.run_percival(*arguments).returncode, 64)

    def test_every_command_has_help_with_its_exit_codes(self) -> None:
        for command in (
            (),
            ("setup",),
            ("boot",),
            ("test",),
            ("debug",),
            ("layout",),
            ("bench",),
            ("serial",),
            ("image",),
        ):
            done = self.run_percival(*command, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn("Exit codes:", done.stdout)

    def test_the_help_of_debug_names_the_commands_that_gdb_gets(self) -> None:
        text = " ".join(self.run_percival("debug", "--help").stdout.split())
        for command in ("percpu CPU VARIABLE", "ptwalk ADDRESS [CPU]", "roots (", "threads ("):
            self.assertIn(command, text)


class BenchTest(TreeTestCase):
    LINE = 'bench: {"name":"this_cpu_add","mode":"local","cpus":4,"instructions":1.00}'

    def test_results_become_a_table_beside_linux_and_json(self) -> None:
        out = self.state / "out.json"
        done = self.run_percival(
            "bench", "--no-build", "--json", str(out), qemu=f"echo '{self.LINE}'; {PASSED}"
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"this_cpu_add +local +4 +1\.00 +- +- +- +15 +6 +6\n")
        self.assertIn('"instructions": 1.0', out.read_text())
        append = self.qemu_arguments()[self.qemu_arguments().index("-append") + 1]
        self.assertEqual(append.split(), ["bench", "verdict=semihosting"])
        self.assertIn("-icount", self.qemu_arguments())

    def test_benchmarks_that_depend_on_percpu_windows_run_with_both_kinds(self) -> None:
        script = (
            'case "$*" in *percpu.window=mapped*) mode=mapped;; *) mode=linked;; esac; '
            'echo "bench: {\\"name\\":\\"x\\",\\"mode\\":\\"$mode\\",\\"cpus\\":4,\\"instructions\\":7.00}"; '
        )
        done = self.run_percival("bench", "--no-build", qemu=script + PASSED)
        self.assertRegex(done.stdout, r"x +linked +4 .*\nx +mapped +4 ")
        append = self.qemu_arguments()[self.qemu_arguments().index("-append") + 1]
        self.assertEqual(append.split(), ["bench=x", "percpu.window=mapped", "verdict=semihosting"])

    def test_tables_tlbis_and_memory_have_columns_of_their_own(self) -> None:
        extras = '"tables":2,"tlbis":7,"bytes":4096'
        line = f'bench: {{"name":"x","mode":"-","cpus":4,"instructions":435.00,{extras}}}'
        done = self.run_percival("bench", "--no-build", qemu=f"echo '{line}'; {PASSED}")
        self.assertRegex(done.stdout, r"x +- +4 +435\.00 +2 +7 +4,096 +- +- +-\n")

    def test_the_core_has_a_column_where_there_are_several_kinds(self) -> None:
        line = f'{self.LINE[:-1]},"core":"Cortex-A53 r0p4"}}'
        done = self.run_percival("bench", "--no-build", qemu=f"echo '{self.LINE}'; echo '{line}'; {PASSED}")
        self.assertRegex(done.stdout, r"this_cpu_add +local +4 +1\.00 +- +- +- +15 +6 +6 +-\n")
        self.assertRegex(done.stdout, r"this_cpu_add +local +4 +1\.00 +- +- +- +15 +6 +6 +Cortex-A53 r0p4\n")

    def test_what_an_emulator_does_not_show_stands_below_the_table(self) -> None:
        lines = (
            "instrument: instructions: counted",
            "instrument: cycles: not counted: an addition does not take one cycle",
            "instrument: x: not measured: a CPU has no FEAT_LSE",
        )
        printed = "".join(f"echo '{line}'; " for line in (*lines, self.LINE))
        done = self.run_percival("bench", "--no-build", qemu=f"{printed}{PASSED}")
        below = done.stdout.split("Linux preemptible")[1]
        self.assertIn("\nNot shown by this machine:\n" + "\n".join(lines[1:]) + "\n", below)
        self.assertNotIn(lines[0], below)

    def test_each_count_of_cpus_is_measured(self) -> None:
        script = 'echo "$*" | grep -o -e "-smp [0-9]*" >> "$FAKE_QEMU_STATE/smp"; '
        out = self.state / "out.json"
        done = self.run_percival(
            *("bench", "--no-build", "--cpus", "1,8", "--json", str(out)),
            qemu=f"{script} echo '{self.LINE}'; {PASSED}",
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.state / "smp").read_text(), "-smp 1\n-smp 8\n")
        self.assertEqual(len(json.loads(out.read_text())["results"]), 2)

    def test_a_wrong_list_of_cpus_is_a_usage_error(self) -> None:
        for wrong in ("", "1,", "x", "0", "1,513", "-1"):
            done = self.run_percival("bench", "--no-build", f"--cpus={wrong}")
            self.assertEqual(done.returncode, EXIT_USAGE, wrong)
            self.assertIn("--cpus", done.stderr)
            self.assertIsNone(self.qemu_pid())

    def copy_boot_arguments(self) -> None:
        table = self.tree / TABLE.relative_to(ROOT)
        table.parent.mkdir(parents=True)
        shutil.copy(TABLE, table)

    def test_a_mode_reaches_the_kernel_and_chooses_results(self) -> None:
        self.copy_boot_arguments()
        rows = "; ".join(
            f"echo '{self.LINE}'".replace("local", mode) for mode in ("local", "restart", "linked", "-")
        )
        for mode, argument in (("restart", "percpu=restart"), ("linked", "percpu.window=linked")):
            out = self.state / "out.json"
            done = self.run_percival(
                *("bench", "--no-build", "--mode", mode, "--json", str(out)), qemu=f"{rows}; {PASSED}"
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            append = self.qemu_arguments()[self.qemu_arguments().index("-append") + 1]
            self.assertEqual(append.split(), ["bench", argument, "verdict=semihosting"])
            rows_left = [row["mode"] for row in json.loads(out.read_text())["results"]]
            self.assertEqual(rows_left, [mode, "-"])

    def test_a_mode_that_does_not_exist_is_a_usage_error(self) -> None:
        self.copy_boot_arguments()
        for mode in ("auto", "x", ""):
            done = self.run_percival("bench", "--no-build", f"--mode={mode}")
            self.assertEqual(done.returncode, EXIT_USAGE)
            self.assertIn("local, restart, ", done.stderr)

    def test_results_name_their_preset_and_roots(self) -> None:
        out = self.state / "out.json"
        for roots in ("private", "common"):
            line = f'{self.LINE[:-1]},"roots":"{roots}"}}'
            self.run_percival("bench", "--no-build", "--json", str(out), qemu=f"echo '{line}'; {PASSED}")
            (row,) = json.loads(out.read_text())["results"]
            self.assertEqual((row["preset"], row["roots"]), ("4k-48", roots))

    def test_globs_reach_the_kernel(self) -> None:
        self.run_percival("bench", "--no-build", "this_cpu_*", "boot_*", qemu=f"echo '{self.LINE}'; {PASSED}")
        self.assertIn("bench=this_cpu_*,boot_* verdict=semihosting", self.qemu_arguments())

    def test_a_run_without_results_is_a_failure(self) -> None:
        self.assertEqual(self.run_percival("bench", "--no-build").returncode, 3)

    def test_a_verdict_other_than_passed_is_a_failure(self) -> None:
        done = self.run_percival(
            "bench", "--no-build", qemu=f"echo '{self.LINE}'; echo 'percival: verdict: panic'; exit 2"
        )
        self.assertEqual(done.returncode, 2)

    def test_a_malformed_result_is_a_failure(self) -> None:
        for line in (
            "bench: {",
            'bench: {"name":"x"}',
            'bench: {"name":1,"mode":"-","cpus":4,"instructions":1}',
            "bench: []",
        ):
            done = self.run_percival("bench", "--no-build", qemu=f"echo '{line}'; {PASSED}")
            self.assertEqual(done.returncode, 3, line)


class NoPythonTest(TreeTestCase):
    """Tests with only the tools of a machine without Python, and without a package manager."""

    def run_without_python(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        tools = self.state / "bare"
        tools.mkdir()
        for tool in ("sh", "dirname", "readlink", "id"):
            path = next(p for p in (Path("/usr/bin") / tool, Path("/bin") / tool) if p.exists())
            (tools / tool).symlink_to(os.path.realpath(path))
        return self.run_percival(*arguments, env={"PATH": str(tools)})

    def test_check_reports_python_and_installs_nothing(self) -> None:
        done = self.run_without_python("setup", "--check")
        self.assertEqual(done.returncode, 1)
        self.assertIn("missing: python3", done.stderr)

    def test_if_python_cannot_be_installed_the_message_says_what_is_needed(self) -> None:
        done = self.run_without_python("boot")
        self.assertEqual(done.returncode, 69)
        self.assertIn("python3", done.stderr)


class HangTest(TreeTestCase):
    def test_a_timeout_exits_3_with_a_message(self) -> None:
        done = self.run_percival(*BOOT, "--timeout", "1", qemu=HANGING)
        self.assertEqual(done.returncode, 3)
        self.assertIn("1 s", done.stderr)
        self.assertEqual(done.stdout, "booting\n")


if __name__ == "__main__":
    unittest.main()
