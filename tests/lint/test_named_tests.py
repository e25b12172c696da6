# SPDX-License-Identifier: BSD-2-Clause
"""Of what is named, the check finds each thing that does not exist, and nothing else."""

from __future__ import annotations

import tempfile
import unittest
from dataclasses import replace
from pathlib import Path

from named_tests import wrong_in_mutant, wrong_in_row, wrong_in_text  # first: it sets the path for the others
from mutant import by_boot, on_host
from row import FOR_MANY_CPUS, Row
from tests_of_tree import SelfTest, benchmarks, host_tests, is_host_test, self_tests

SELF_TESTS = """\
//     PERCIVAL_TEST(example, in_a_comment)
#define PERCIVAL_TEST(suite, name) PERCIVAL_TEST_DEFINE(suite, name, false)
PERCIVAL_TEST(roots, agree)
{
}
PERCIVAL_TEST_MANUAL(demo,
                     fails)
"""

BENCHMARKS = """\
PERCIVAL_BENCHMARK(pin, None)
#define ALL(width) \\
    PERCIVAL_THIS_CPU_BENCHMARK(add##width, 1) \\
"""

HOST_TESTS = """\
TEST(Buddy, splits)
TEST_F(Store, Grows)
TYPED_TEST_SUITE(Table, AllGeometries);
TYPED_TEST(Table, Maps)
TEST_P(Slab, Fits)
INSTANTIATE_TEST_SUITE_P(
    Shapes, Slab, ::testing::Values(Case{"small", 1}, Case{"large", 9}),
    [](const auto& instance) { return instance.param.name; });

TEST(Later, holds)
"""

TESTS = [
    SelfTest("roots", "agree", False),
    SelfTest("percpu", "adds", False),
    SelfTest("demo", "fails", True),
]


class TreeTestCase(unittest.TestCase):
    """A test with a tree of its own."""

    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory(prefix="percival-test-")
        self.addCleanup(holder.cleanup)
        self.root = Path(holder.name)

    def write(self, name: str, text: str) -> Path:
        """Makes a file of the tree."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


class ScanTest(TreeTestCase):
    def test_self_tests_are_found_in_any_directory_but_those_of_builds(self) -> None:
        self.write("tests/kernel/percpu/some_test.cpp", SELF_TESTS)
        self.write("build/tree/tests/kernel/old_test.cpp", SELF_TESTS.replace("agree", "agreed"))
        self.assertEqual(
            self_tests(self.root), [SelfTest("roots", "agree", False), SelfTest("demo", "fails", True)]
        )

    def test_benchmarks_are_found_with_what_macros_paste(self) -> None:
        self.write("tests/bench/some_bench.cpp", BENCHMARKS)
        self.assertEqual(benchmarks(self.root), ["pin", "add*"])

    def test_host_tests_have_googletests_names(self) -> None:
        names = host_tests([self.write("tests/host/some_test.cpp", HOST_TESTS)])
        plain = {"Buddy.splits", "Store.Grows", "Table/0.Maps", "Later.holds"}
        self.assertEqual(names, plain | {f"Shapes/Slab.Fits/{case}" for case in ("0", "small", "large")})

    def test_an_index_may_be_any(self) -> None:
        names = ["Table/0.Maps", "Shapes/Slab.Fits/small"]
        for glob in ("Table/7.Maps", "Table/*.Maps", "*Maps", "*/small"):
            self.assertTrue(is_host_test(glob, names), glob)
        for glob in ("Table.Maps", "Table/7.Unmaps", "*/smal"):
            self.assertFalse(is_host_test(glob, names), glob)


class MutantTest(TreeTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.write("mm/some.hpp", "lock();\nchange();\n")
        self.write("tests/host/some_test.cpp", HOST_TESTS)
        self.host = on_host(
            "x", "mm/some.hpp", "lock();", "", ("tests/host/some_test.cpp",), "*Grows:Buddy.*"
        )
        self.boot = by_boot("x", "mm/some.hpp", "lock();", "", "roots.*,percpu.adds")

    def test_what_is_there_is_fine(self) -> None:
        self.assertEqual(wrong_in_mutant(self.host, self.root, TESTS), [])
        self.assertEqual(wrong_in_mutant(self.boot, self.root, TESTS), [])

    def test_a_file_must_exist(self) -> None:
        moved = "mm/moved.hpp"
        more = replace(self.host, sources=(*self.host.sources, moved))
        for mutant in (replace(self.boot, file=moved), more):
            self.assertEqual(wrong_in_mutant(mutant, self.root, TESTS), [f"{moved} does not exist"])

    def test_the_text_must_stand_there_once(self) -> None:
        for old, times in (("unlock();", 0), ("();", 2)):
            wrong = [f"its text stands {times} times in mm/some.hpp"]
            for mutant in (self.boot, self.host):
                self.assertEqual(wrong_in_mutant(replace(mutant, old=old), self.root, TESTS), wrong)

    def test_every_glob_must_match(self) -> None:
        boot = replace(self.boot, selftests="roots.*,percpu.subtracts")
        self.assertEqual(wrong_in_mutant(boot, self.root, TESTS), ["no self-test matches percpu.subtracts"])
        host = replace(self.host, tests="*Grows:*Shrinks")
        self.assertEqual(wrong_in_mutant(host, self.root, TESTS), ["no test in its sources matches *Shrinks"])


class RowTest(unittest.TestCase):
    def test_every_glob_must_match(self) -> None:
        self.assertEqual(wrong_in_row(Row("x", append="percpu=auto selftest=roots.*,percpu.adds"), TESTS), [])
        self.assertEqual(
            wrong_in_row(Row("x", append="selftest=roots.*,root.*"), TESTS), ["no self-test matches root.*"]
        )

    def test_what_runs_on_demand_is_named_in_full(self) -> None:
        self.assertEqual(wrong_in_row(Row("x", append="selftest=demo.fails"), TESTS), [])
        self.assertEqual(
            wrong_in_row(Row("x", append="selftest=demo.*"), TESTS), ["no self-test matches demo.*"]
        )

    def test_the_list_for_many_cpus_is_looked_at(self) -> None:
        others = [glob for glob in FOR_MANY_CPUS if glob not in ("roots.*", "percpu.*")]
        lacking = [f"no self-test matches {glob}" for glob in others]
        self.assertEqual(wrong_in_row(Row("x", cpus=160), TESTS), lacking)

    def test_a_row_that_runs_nothing_must_not_match(self) -> None:
        row = Row("x", append="selftest=no_such_suite.*", checks=("no_test_ran",))
        self.assertEqual(wrong_in_row(row, TESTS), [])
        self.assertEqual(
            wrong_in_row(replace(row, append="selftest=roots.*"), TESTS),
            ["it must run nothing, and runs 1 self-test(s)"],
        )

    def test_a_test_that_is_shown_must_be_one_that_runs(self) -> None:
        row = Row("x", shows=(r"ok \d+ agree$", "^machine: "))
        self.assertEqual(wrong_in_row(row, TESTS), [])
        self.assertEqual(
            wrong_in_row(replace(row, append="selftest=percpu.*"), TESTS), ["it runs no test agree"]
        )
        self.assertEqual(
            wrong_in_row(replace(row, shows=(r"ok \d+ agreed$",)), TESTS), ["it runs no test agreed"]
        )


class TextTest(unittest.TestCase):
    def test_what_readers_type_must_match(self) -> None:
        self.assertEqual(
            wrong_in_text("`selftest=GLOB[,GLOB]`, --append 'selftest=roots.*,percpu*'", TESTS), []
        )
        self.assertEqual(
            wrong_in_text("It is `selftest=root.*`, or selftest=root.*.", TESTS),
            ["no self-test matches root.*"] * 2,
        )

    def test_what_readers_are_shown_must_exist(self) -> None:
        self.assertEqual(wrong_in_text("  ok 1 agree\nok 37 roots\n", TESTS), [])
        self.assertEqual(wrong_in_text("  ok 1 agreed\n", TESTS), ["there is no test agreed"])


if __name__ == "__main__":
    unittest.main()
