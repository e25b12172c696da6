#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests of generated mutants: which points a source has, and that a number chooses a mutant at run time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import List

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/mutants"))

import points  # noqa: E402
from build_mutants import Build  # noqa: E402
from points import Point  # noqa: E402
from schema import instrument, without_crossings  # noqa: E402

SOURCE = """// A comment.
constexpr int twice(int x) { return x * 2; }
static_assert(twice(2) == 4);
int calls = 0;
void call() { ++calls; }
bool less(int a, int b)
{
    if (a == 7)
        return false;
    call();
    calls = calls + 1;
    return a < b;
}
#ifdef PERCIVAL_MAIN
int main() { return less(1, 1) + 2 * calls + twice(8); }
#endif
"""


class Case(unittest.TestCase):
    def setUp(self) -> None:
        room = tempfile.TemporaryDirectory()
        self.addCleanup(room.cleanup)
        self.root = Path(room.name)

    def found(self, text: str) -> List[Point]:
        (self.root / "a.cpp").write_text(text)
        return points.find(self.root, "a.cpp", ["-std=c++23"])


class Finding(Case):
    def test_each_operator_has_its_points(self) -> None:
        described = {point.describe() for point in self.found(SOURCE)}
        for expected in (
            "a.cpp:2: arithmetic: x * 2 -> x / 2",
            "a.cpp:2: constant: 2 -> 3",
            "a.cpp:5: arithmetic: ++calls -> --calls",
            "a.cpp:8: comparison: a == 7 -> a != 7",
            "a.cpp:8: condition: a == 7 -> true",
            "a.cpp:9: left out: return false; -> (nothing)",
            "a.cpp:9: constant: false -> true",
            "a.cpp:10: left out: call(); -> (nothing)",
            "a.cpp:10: order: call(); calls = calls + 1; -> calls = calls + 1; call();",
            "a.cpp:12: comparison: a < b -> a <= b",
            "a.cpp:12: returned: return a < b; -> return !(a < b);",
        ):
            self.assertIn(expected, described)

    def test_what_the_compiler_evaluates_has_none(self) -> None:
        self.assertNotIn(3, {point.line for point in self.found(SOURCE)})

    def test_a_variable_declared_in_a_condition_has_no_condition_of_its_own(self) -> None:
        source = "// A comment.\nint f();\nint g() { if (int x = f()) return x + 1; return 2; }\n"
        operators = {point.operator for point in self.found(source)}
        self.assertEqual(operators, {"arithmetic", "constant", "left out", "returned"})

    def test_a_comparison_that_the_compiler_rewrites_is_no_negation(self) -> None:
        source = "// A comment.\nstruct A { int x; bool operator==(const A&) const = default; };\n"
        source += "bool f(A a, A b) { return a != b; }\n"
        self.assertNotIn("logical", {point.operator for point in self.found(source)})

    def test_an_argument_of_a_template_has_no_points(self) -> None:
        source = "// A comment.\ntemplate <int n> int f() { return n; }\nint g() { return f<1>(); }\n"
        self.assertNotIn("constant", {point.operator for point in self.found(source)})

    def test_a_hint_to_the_compiler_stays_where_it_is(self) -> None:
        source = "// A comment.\nvoid g();\nvoid f() { g(); __builtin_unreachable(); }\n"
        self.assertEqual(
            [point.describe() for point in self.found(source)], ["a.cpp:3: left out: g(); -> (nothing)"]
        )

    def test_a_memory_order_becomes_relaxed(self) -> None:
        source = "// A comment.\n#include <atomic>\nstd::atomic<int> x;\n"
        source += "int f() { return x.load(std::memory_order_acquire); }\n"
        described = [point.describe() for point in self.found(source)]
        change = "std::memory_order_acquire -> std::memory_order_relaxed"
        self.assertIn(f"a.cpp:4: memory order: {change}", described)

    def test_an_id_depends_on_nothing_outside_of_the_function(self) -> None:
        before = [point.id for point in self.found(SOURCE)]
        moved = self.found(SOURCE.replace("int calls = 0;", "\n\nint other = 0;\nint calls = 0;"))
        self.assertEqual([point.id for point in moved], before)
        self.assertEqual(len(set(before)), len(before))
        changed = [point.id for point in self.found(SOURCE.replace("a == 7", "a == 8"))]
        kept = [one == other for one, other in zip(before, changed)]
        self.assertEqual(kept, ["|less|" not in one for one in before])


class Choosing(Case):
    def test_a_number_chooses_the_mutant(self) -> None:
        found = self.found(SOURCE)
        fitting, crossing = without_crossings(found)
        self.assertEqual(crossing, [])
        numbers = {point: number for number, point in enumerate(fitting, 1)}
        source = instrument(SOURCE.encode(), numbers)
        (self.root / "a.cpp").write_bytes(source.text)
        self.assertEqual(source.text.count(b"\n"), SOURCE.count("\n"))
        program = self.root / "a"
        compiler = ["clang++-19", "-std=c++23", "-w", "-DPERCIVAL_MAIN", f"-I{ROOT}"]
        subprocess.run([*compiler, str(self.root / "a.cpp"), "-o", str(program)], check=True)

        def exit_code(number: int) -> int:
            environment = {**os.environ, "PERCIVAL_MUTANT": str(number)}
            return subprocess.run([str(program)], env=environment, check=False).returncode

        def of(description: str) -> int:
            return next(number for point, number in numbers.items() if description in point.describe())

        self.assertEqual(exit_code(0), 20)
        self.assertEqual(exit_code(of("comparison: a < b -> a <= b")), 21)
        self.assertEqual(exit_code(of("left out: call();")), 18)
        self.assertEqual(exit_code(of("x * 2 -> x / 2")), 8)
        self.assertEqual(exit_code(of("a == 7 -> true")), 16)

    def test_an_error_leads_to_its_mutant(self) -> None:
        found = [point for point in self.found(SOURCE) if point.operator == "comparison"]
        numbers = {point: number for number, point in enumerate(found, 1)}
        source = instrument(SOURCE.encode(), numbers)
        wanted = next(point for point in found if point.mutated == "a <= b")
        line = source.text.split(b"\n")[wanted.line - 1]
        self.assertEqual(source.numbers_at(wanted.line, line.index(b"a <= b") + 1), {numbers[wanted]})


class Sifting(Case):
    def test_what_does_not_compile_is_left_out_and_known_next_time(self) -> None:
        root, tree = self.root / "root", self.root / "copies" / "tree"
        (root / "build/sysroot").mkdir(parents=True)
        shutil.copytree(ROOT / "tests/mutants/runtime", root / "tests/mutants/runtime")
        source = "// A comment.\nstruct A { unsigned short x; explicit A(unsigned short); };\n"
        source += "A f(unsigned short x) { return A{x}; }\nA g() { return A{1}; }\n"
        (root / "a.cpp").write_text(source)
        found = points.find(root, "a.cpp", ["-std=c++23"])
        sifted = Build(root, tree, found)
        sifted.sift()
        self.assertEqual(
            {point.describe() for point in sifted.broken},
            {f"a.cpp:{line}: returned: return A{{{x}}}; -> return {{}};" for line, x in ((3, "x"), (4, "1"))},
        )
        self.assertEqual(
            {point.describe() for point in sifted.numbers},
            {f"a.cpp:4: constant: 1 -> {other}" for other in (0, 2)},
        )
        self.assertEqual(Build(root, tree, found).broken, sifted.broken)


if __name__ == "__main__":
    unittest.main()
