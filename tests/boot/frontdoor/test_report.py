# SPDX-License-Identifier: BSD-2-Clause
"""Tests the page of the benchmarks, and `percival report` and `bench --html` as a user calls them, with a
shell script as npm."""

import json
import re
import shutil
import subprocess
import unittest
from pathlib import Path
from typing import List
from unittest import mock

from support import PASSED, ROOT, TreeTestCase
from test_bench_log import CPU, PASSED as VERDICT, line
from frontdoor import page, page_library
from frontdoor.bench_families import OTHERS, family_of
from frontdoor.bench_log import Machine, read_lines
from frontdoor.errors import EXIT_IO, EXIT_UNAVAILABLE
from frontdoor.page_charts import Chart, charts_of, columns_of

LIBRARY = "made-up library"
FAKE_NPM = f"""#!/bin/sh
echo "$@" >> "$FAKE_QEMU_STATE/npm"
[ -z "$FAKE_NPM" ] || {{ echo "npm ERR! code $FAKE_NPM"; exit 1; }}
mkdir -p node_modules/chart.js/dist
echo "{LIBRARY}" > node_modules/chart.js/dist/chart.umd.min.js
"""
ESCAPES = "</script><script>alert(1)</script>&\"'"


def machine(title: str, *lines: str) -> Machine:
    """Returns a machine whose console had these lines."""
    return read_lines(title, [CPU, *lines, VERDICT])


def html(*machines: Machine) -> str:
    """Returns the page of the machines, without the library."""
    with mock.patch.object(page_library, "script", lambda: LIBRARY):
        return page.html(machines)


def results_of(text: str) -> "List[object]":
    """Returns the machines in the page's JSON."""
    match = re.search(r'<script type="application/json" id="results">(.*?)</script>', text)
    assert match is not None
    machines: List[object] = json.loads(match[1])["machines"]
    return machines


class ChartsTest(unittest.TestCase):
    def charts(self, *machines: Machine) -> List[Chart]:
        columns = [column for one in machines for column in columns_of(one)]
        return charts_of(columns, list(dict.fromkeys(name for one in columns for name, _ in one.rows)))

    def test_one_machine_has_a_bar_for_each_mode_and_for_linux(self) -> None:
        modes = [line("this_cpu_add", 1, "local"), line("this_cpu_add", 4, "restart")]
        (chart,) = self.charts(machine("m", *modes))
        self.assertEqual(chart.labels, ["this_cpu_add"])
        bars = {series.label: series.values for series in chart.series}
        linux = {"Linux preemptible": [15.0], "Linux voluntary": [6.0], "Linux 7.4, counted": [6.0]}
        self.assertEqual(bars, {"local": [1.0], "restart": [4.0], **linux})

    def test_several_machines_have_a_bar_each(self) -> None:
        (chart,) = self.charts(machine("m", line("x", 1, "local")), machine("n", line("x", 2, "local")))
        self.assertEqual(chart.labels, ["x, local"])
        self.assertEqual([(one.label, one.values) for one in chart.series], [("m", [1.0]), ("n", [2.0])])

    def test_counts_of_cpus_are_columns_of_their_own(self) -> None:
        both = machine("m", line("x"), line("x", 3).replace('"cpus":4', '"cpus":1'))
        self.assertEqual([one.title for one in columns_of(both)], ["m, 4 CPUs", "m, 1 CPUs"])

    def test_results_with_and_without_common_not_private_are_not_results_of_one_thing(self) -> None:
        rows = [line("x", at + 1)[:-1] + f',"roots":"common","cnp":{at}}}' for at in (0, 1)]
        columns = columns_of(machine("m", *rows))
        self.assertEqual([one.title for one in columns], ["m, cnp 0", "m, cnp 1"])

    def test_results_at_el2_and_at_el1_are_not_results_of_one_thing(self) -> None:
        at_el2 = line("x", 2)[:-1] + ',"el":2}'
        columns = columns_of(machine("m", line("x", 1), at_el2))
        self.assertEqual([one.title for one in columns], ["m, el 1", "m, el 2"])

    def test_kinds_of_cores_are_columns_of_their_own(self) -> None:
        rows = [
            line("x", at + 1)[:-1] + f',"core":"Cortex-{core}"}}' for at, core in ((0, "A53"), (1, "A73"))
        ]
        columns = columns_of(machine("m", *rows))
        self.assertEqual([one.title for one in columns], ["m, core Cortex-A53", "m, core Cortex-A73"])

    def test_cycles_have_a_chart_without_linux(self) -> None:
        with_cycles = line("this_cpu_add")[:-1] + ',"cycles":2.50}'
        _, chart = self.charts(machine("m", with_cycles))
        self.assertEqual((chart.unit, [one.values for one in chart.series]), ("cycles", [[2.5]]))

    def test_a_chart_has_no_gaps_and_no_more_bars_than_a_browser_draws(self) -> None:
        lines = [line(f"x{at}", at + 1, mode) for at in range(300) for mode in ("a", "b")[: 1 + at % 2]]
        charts = self.charts(machine("m", *lines))
        self.assertEqual(sum(len(chart.labels) for chart in charts), 300)
        for chart in charts:
            self.assertLessEqual(len(chart.labels) * len(chart.series), 110)
            self.assertFalse(any(value is None for one in chart.series for value in one.values))

    def test_a_chart_can_be_drawn_of_zeroes(self) -> None:
        (chart,) = self.charts(machine("m", line("x", 0)))
        self.assertEqual((chart.smallest, chart.largest), (1.0, 1.0))

    def test_modes_on_both_kinds_of_roots_are_bars_of_one_group(self) -> None:
        rows = [
            line("x", at + 1, mode)[:-1] + f',"roots":"{roots}"{cnp}}}'
            for at, (mode, roots, cnp) in enumerate(
                (
                    ("local", "private", ""),
                    ("restart", "private", ""),
                    ("restart", "common", ',"cnp":1'),
                )
            )
        ]
        (chart,) = self.charts(machine("m", *rows))
        self.assertEqual(chart.labels, ["x"])
        bars = {(one.label, one.faded): one.values for one in chart.series}
        expected = {
            ("local, private roots", False): [1.0],
            ("restart, private roots", False): [2.0],
            ("restart, one root for all", True): [3.0],
        }
        self.assertEqual(bars, expected)
        self.assertEqual(len({one.colour for one in chart.series}), 2)
        text = html(machine("m", *rows))
        self.assertIn('<th scope="col">one root for all</th>', text)

    def test_kinds_of_roots_that_nobody_knows_are_columns_like_others(self) -> None:
        rows = [line("x", at + 1)[:-1] + f',"roots":"{kind}"}}' for at, kind in enumerate(("private", "odd"))]
        for one in (machine("m", *rows), machine("m", rows[0], line("x"))):
            self.assertEqual([column.roots for column in columns_of(one)], ["", ""])
            self.assertIn("m, roots private", html(one))

    def test_charts_that_compare_most_come_first(self) -> None:
        lines = [line("x"), line("y", 1, "local"), line("y", 2, "restart")]
        first, second = self.charts(machine("m", *lines))
        self.assertEqual((first.labels, second.labels), (["y"], ["x"]))


class PageTest(unittest.TestCase):
    def test_the_page_loads_nothing(self) -> None:
        text = html(machine("m", line("x")))
        self.assertNotRegex(text, r"(?i:<link|<img|<iframe|\ssrc=|@import)|\burl\(")
        self.assertIn("default-src 'none'", text)
        self.assertIn(LIBRARY, text)

    def test_texts_of_a_log_cannot_become_a_part_of_the_page(self) -> None:
        evil = Machine(ESCAPES, [f"cpu: {ESCAPES}"], machine("m", line("x")).rows, [ESCAPES])
        text = html(evil)
        self.assertNotIn("alert(1)</script>", text)
        self.assertEqual(results_of(text)[0]["title"], ESCAPES)  # type: ignore[index]

    def test_the_results_are_in_the_page_as_json(self) -> None:
        one = machine("m", line("x", 2.5), line("y", 1, "local"))
        expected = {"title": "m", "found": [CPU], "notes": [], "results": one.rows}
        self.assertEqual(results_of(html(one)), [expected])

    def test_the_tables_have_all_numbers_without_scripts(self) -> None:
        row = line("alloc_free_page", 54)[:-1] + ',"cycles":77.25,"tlbis":3}'
        text = re.sub(r"<script.*?</script>", "", html(machine("m", row)), flags=re.DOTALL)
        for number in ("54.00", "77.25 cycles", "3 TLBIs", "1,176"):
            self.assertIn(number, text)

    def test_what_is_wrong_with_a_log_stands_in_the_page(self) -> None:
        self.assertIn("results may be missing", html(read_lines("m", [line("x")])))

    def test_every_benchmark_has_a_meaning(self) -> None:
        rows = json.loads((ROOT / "tests" / "bench" / "reference.json").read_text())["rows"]
        self.assertEqual([row["name"] for row in rows if family_of(row["name"]) is OTHERS], [])

    def test_the_script_is_valid(self) -> None:
        subprocess.run(["node", "--check", str(page_library.SOURCE / "page.js")], check=True)

    def test_the_script_has_every_colour_of_the_style(self) -> None:
        style = (page_library.SOURCE / "page.css").read_text()
        for name in (*(f"bar{at}" for at in range(7)), "linux0", "linux1", "linux2"):
            self.assertIn(f"--{name}:", style)


class LockfileTest(unittest.TestCase):
    def test_every_package_is_pinned_by_a_checksum_and_no_host_is_named(self) -> None:
        text = (page_library.SOURCE / page_library.LOCK).read_text()
        packages = json.loads(text)["packages"]
        for name, package in packages.items():
            if name:
                self.assertRegex(package["integrity"], r"^sha512-", name)
        self.assertGreater(len(packages), 1)
        self.assertNotIn("://", text)

    def test_the_wanted_versions_are_exact(self) -> None:
        wanted = json.loads((page_library.SOURCE / "package.json").read_text())["dependencies"]
        locked = json.loads((page_library.SOURCE / page_library.LOCK).read_text())["packages"]
        for name, version in wanted.items():
            self.assertEqual(locked[f"node_modules/{name}"]["version"], version)


class CommandTest(TreeTestCase):
    def setUp(self) -> None:
        super().setUp()
        npm = Path(self.environment["PATH"].split(":", 1)[0]) / "npm"
        npm.write_text(FAKE_NPM)
        npm.chmod(0o755)
        self.log = self.state / "board.log"
        self.log.write_text("\n".join([CPU, line("x"), VERDICT, ""]))
        self.page = self.state / "page.html"

    def npm_calls(self) -> int:
        calls = self.state / "npm"
        return len(calls.read_text().splitlines()) if calls.exists() else 0

    def test_logs_become_one_page(self) -> None:
        other = self.state / "other.log"
        shutil.copy(self.log, other)
        done = self.run_percival("report", str(self.log), str(other), "--html", str(self.page))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(results_of(self.page.read_text())), 2)
        self.assertIn(LIBRARY, self.page.read_text())

    def test_the_page_goes_to_the_build_directory_by_default(self) -> None:
        self.assertEqual(self.run_percival("report", str(self.log)).returncode, 0)
        self.assertTrue((self.tree / "build" / "report.html").is_file())

    def test_the_library_is_fetched_once_and_again_when_the_lockfile_has_changed(self) -> None:
        for calls in (1, 1):
            self.run_percival("report", str(self.log))
            self.assertEqual(self.npm_calls(), calls)
        lock = self.tree / "scripts" / "frontdoor" / "page" / "package-lock.json"
        lock.write_text(lock.read_text() + "\n")
        self.run_percival("report", str(self.log))
        self.assertEqual(self.npm_calls(), 2)

    def test_without_a_network_a_message_says_so_and_nothing_is_left(self) -> None:
        done = self.run_percival("report", str(self.log), env={"FAKE_NPM": "ENOTFOUND"})
        self.assertEqual(done.returncode, EXIT_UNAVAILABLE)
        self.assertIn("could not be fetched from the npm registry (ENOTFOUND)", done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertEqual([path.name for path in (self.tree / "build").glob("*page*")], [])
        self.assertEqual(self.run_percival("report", str(self.log)).returncode, 0)

    def test_a_damaged_log_gives_a_page_and_exit_code_1(self) -> None:
        self.log.write_text("\n".join([line("x"), line("y")[:-5]]))
        done = self.run_percival("report", str(self.log), "--html", str(self.page))
        self.assertEqual(done.returncode, 1)
        self.assertIn("board: line 2: not a benchmark result", done.stderr)
        self.assertTrue(self.page.is_file())

    def test_a_log_without_results_or_a_page_that_cannot_be_written_is_an_error(self) -> None:
        self.assertEqual(self.run_percival("report", "no-such.log").returncode, EXIT_IO)
        done = self.run_percival("report", str(self.log), "--html", str(self.state))
        self.assertEqual(done.returncode, EXIT_IO)
        self.assertIn("cannot be written", done.stderr)

    def test_bench_makes_the_same_page(self) -> None:
        qemu = f"echo '{CPU}'; echo '{line('x')}'; {PASSED}"
        done = self.run_percival("bench", "--no-build", "--html", str(self.page), qemu=qemu)
        self.assertEqual(done.returncode, EXIT_UNAVAILABLE, "--no-build fetches nothing")
        self.run_percival("report", str(self.log))
        done = self.run_percival("bench", "--no-build", "--html", str(self.page), qemu=qemu)
        self.assertEqual(done.returncode, 0, done.stderr)
        (one,) = results_of(self.page.read_text())
        self.assertEqual(one["found"], [CPU])  # type: ignore[index]


if __name__ == "__main__":
    unittest.main()
