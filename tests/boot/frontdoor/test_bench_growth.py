# SPDX-License-Identifier: BSD-2-Clause
"""Tests the laws by which results grow with the number of CPUs, by made-up values and through the command."""

import json
import math
import unittest
from typing import Callable, Dict

from support import PASSED, TreeTestCase
from frontdoor.bench_growth import OTHER_WORK, Law, growth_of, growth_table, law_of
from frontdoor.bench_rows import Row

CPUS = (1, 2, 4, 8, 16, 64, 160)


def values(function: Callable[[int], float], cpus: "tuple[int, ...]" = CPUS) -> Dict[int, float]:
    """Returns the values of a function on each number of CPUs."""
    return {n: function(n) for n in cpus}


def row(cpus: int, total: int, mode: str = "local", each: int = 0) -> Row:
    """Returns a row with a total, of one operation unless `each` says what one costs."""
    return {"name": "storm", "mode": mode, "cpus": cpus, "instructions": float(each or total), "total": total}


class LawTest(unittest.TestCase):
    def check(self, law: Law, kind: str, base: float, each: float, exponent: float) -> None:
        """Checks a law that fits exactly."""
        self.assertEqual(law.kind, kind)
        for found, expected in ((law.base, base), (law.each, each), (law.exponent, exponent), (law.error, 0)):
            assert found is not None, law
            self.assertAlmostEqual(found, expected, delta=1e-6 * max(1, abs(expected)))

    def test_exact_laws_are_found_with_their_parameters(self) -> None:
        self.check(law_of(values(lambda n: 7)), "constant", 7, 0, 0)
        self.check(law_of(values(lambda n: 0)), "constant", 0, 0, 0)
        self.check(law_of(values(lambda n: 100 + 3 * n)), "linear", 100, 3, 1)
        self.check(law_of(values(lambda n: 5 * n)), "linear", 0, 5, 1)
        self.check(law_of(values(lambda n: 50 + 2 * n**2)), "worse than linear", 50, 2, 2)
        self.check(law_of(values(lambda n: 50 + 20 * math.sqrt(n))), "less than linear", 50, 20, 0.5)

    def test_a_small_step_is_part_of_a_law_and_a_large_one_is_not(self) -> None:
        for part, constant, linear in ((0.04, "constant", "linear"), (0.3, "irregular", "irregular")):
            step = {8: 1 + part}
            self.assertEqual(law_of(values(lambda n: 100 * step.get(n, 1))).kind, constant)
            self.assertEqual(law_of(values(lambda n: (100 + 50 * n) * step.get(n, 1))).kind, linear)

    def test_the_error_is_that_of_the_value_that_fits_worst(self) -> None:
        law = law_of({1: 95, 2: 100, 4: 105})
        self.assertEqual(law.kind, "constant")
        self.assertAlmostEqual(law.error or 0, 0.05)

    def test_fewer_than_three_numbers_of_cpus_have_no_law(self) -> None:
        for cpus in ((), (1,), (1, 160)):
            law = law_of(values(lambda n: 3 * n, cpus))
            self.assertEqual((law.kind, law.base, law.text()), ("unknown", None, "unknown"))

    def test_three_numbers_of_cpus_show_a_bend_but_no_exponent(self) -> None:
        self.assertEqual(law_of(values(lambda n: n**2, (1, 4, 16))), Law("worse than linear"))
        self.assertEqual(law_of(values(math.sqrt, (1, 4, 16))), Law("less than linear"))
        self.assertEqual(law_of(values(lambda n: 3 * n, (1, 4, 16))).kind, "linear")

    def test_what_rises_ever_faster_is_worse_than_linear_without_an_exponent_that_fits(self) -> None:
        self.assertEqual(
            law_of(values(lambda n: 3000 * n + 10 * n**2 + n**3 / 10)), Law("worse than linear")
        )
        self.assertEqual(law_of(values(lambda n: 1000 - 999 / n**3 + n)), Law("less than linear"))

    def test_what_becomes_less_or_goes_up_and_down_is_not_called_growth(self) -> None:
        self.assertEqual(law_of(values(lambda n: 1000 / n)).kind, "falls")
        self.assertEqual(law_of({1: 100, 2: 200, 4: 100, 8: 200}).kind, "irregular")
        self.assertEqual(law_of({1: 1, 2: 1, 4: 1, 8: 1, 16: 1, 64: 100, 160: 101}).kind, "irregular")

    def test_a_law_is_written_with_its_error(self) -> None:
        self.assertEqual(law_of(values(lambda n: 100 + 3 * n)).text(), "linear: 100.00 + 3.00 n")
        self.assertEqual(law_of({1: 98, 2: 100, 4: 102}).text(), "constant: 100.00 (within 2.0%)")
        self.assertEqual(
            law_of(values(lambda n: 5 * n**2 - 1)).text(), "worse than linear: -1.00 + 5.00 n^2"
        )


class GrowthTest(unittest.TestCase):
    def test_each_count_of_each_line_has_a_law_of_its_own(self) -> None:
        rows = [row(n, 10 * n) for n in CPUS] + [row(n, 7, "restart") for n in CPUS]
        laws = {(one.mode, one.quantity): one.law.kind for one in growth_of(rows)}
        self.assertEqual(
            laws,
            {
                **{("local", count): "linear" for count in ("instructions", "total")},
                **{("restart", count): "constant" for count in ("instructions", "total")},
            },
        )

    def test_totals_of_other_work_have_no_law(self) -> None:
        altogether, for_each, other = (500,) * 7, [5 * n for n in CPUS], [5000 // n for n in CPUS]
        for work, kind in ((altogether, "constant"), (for_each, "linear"), (other, OTHER_WORK)):
            rows = [row(n, 3 * operations, each=3) for n, operations in zip(CPUS, work)]
            laws = {one.quantity: one.law.kind for one in growth_of(rows)}
            self.assertEqual(laws, {"instructions": "constant", "total": kind})

    def test_the_table_has_a_column_for_each_number_of_cpus(self) -> None:
        text = growth_table(growth_of([row(n, 1000 * n) for n in (4, 1, 16)] + [row(4, 7, "restart")]))
        self.assertRegex(text, r"benchmark +mode +count +law on n CPUs +1 +4 +16\n")
        self.assertRegex(text, r"storm +local +total +linear: 0\.00 \+ 1,000\.?0* n +1,000 +4,000 +16,000\n")
        self.assertRegex(text, r"storm +restart +total +unknown +- +7 +-$")

    def test_two_numbers_of_cpus_have_a_reason_instead_of_a_table(self) -> None:
        self.assertEqual(
            growth_table(growth_of([row(1, 1), row(4, 4)])),
            "Growth: unknown, because 3 numbers of CPUs are needed and 2 measured",
        )


class CommandTest(TreeTestCase):
    # The fake QEMU measures ten times its number of CPUs.
    SCRIPT = (
        "n=$(echo \"$*\" | sed 's/.*-smp \\([0-9]*\\).*/\\1/'); "
        'echo "bench: {\\"name\\":\\"storm\\",\\"mode\\":\\"-\\",\\"cpus\\":$n,\\"instructions\\":2.50,'
        '\\"total\\":${n}0,\\"slow_paths\\":3,\\"address_space\\":4096}"; '
    )

    def test_several_numbers_of_cpus_have_laws_in_the_output_and_in_json(self) -> None:
        out = self.state / "out.json"
        done = self.run_percival(
            *("bench", "--no-build", "--cpus", "1,4,8", "--json", str(out)), qemu=self.SCRIPT + PASSED
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"storm +- +4 +2\.50 +- +- +- +40 +3 +4,096 +- +- +-\n")
        self.assertRegex(done.stdout, r"storm +- +total +linear: 0\.00 \+ 10\.00 n +10 +40 +80\n")
        growth = {one["count"]: one for one in json.loads(out.read_text())["growth"]}
        self.assertEqual(list(growth), ["instructions", "total", "slow_paths", "address_space"])
        self.assertEqual(growth["total"]["law"]["kind"], "linear")
        self.assertEqual(growth["total"]["values"][1], {"cpus": 4, "value": 40})

    def test_one_number_of_cpus_says_nothing_of_growth(self) -> None:
        done = self.run_percival("bench", "--no-build", "--cpus", "4", qemu=self.SCRIPT + PASSED)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("law", done.stdout)
        self.assertNotIn("Growth", done.stdout)


if __name__ == "__main__":
    unittest.main()
