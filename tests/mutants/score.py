# SPDX-License-Identifier: BSD-2-Clause
"""Counts verdicts: the score by folder, and each mutant that is alive."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Container, Dict, List, Sequence

from points import Point
from record import Verdict, Verdicts

WANTED_OF_A_SAMPLE = 92  # percent
WANTED_OF_ALL = 95  # percent, in each of the top folders


@dataclass
class Score:
    """`killed` and `alive` make up the score. `equivalent` mutants that are alive do not count, nor do those
    that were not built."""

    killed: int = 0
    alive: int = 0
    equivalent: int = 0
    not_built: int = 0
    not_judged: int = 0

    def count(self, verdict: Verdict, is_equivalent: bool) -> None:
        if verdict.is_killed:
            self.killed += 1
        elif verdict is Verdict.NOT_BUILT:
            self.not_built += 1
        elif verdict is Verdict.NOT_JUDGED:
            self.not_judged += 1
        elif is_equivalent:
            self.equivalent += 1
        else:
            self.alive += 1

    @property
    def percent(self) -> float:
        counted = self.killed + self.alive
        return 100.0 * self.killed / counted if counted else 100.0

    def __str__(self) -> str:
        text = f"{self.percent:5.1f} % ({self.killed} of {self.killed + self.alive} killed"
        more = {"equivalent": self.equivalent, "not built": self.not_built, "not judged": self.not_judged}
        return text + "".join(f", {count} {what}" for what, count in more.items() if count) + ")"


def scores(
    points: Sequence[Point], verdicts: Verdicts, equivalents: Container[str], depth: int
) -> Dict[str, Score]:
    """Returns the score of each folder; with a depth of 1, of each of the top folders."""
    by_folder: Dict[str, Score] = defaultdict(Score)
    for point in points:
        folder = "/".join(point.folder.split("/")[:depth])
        verdict = verdicts.get(point.id, Verdict.NOT_JUDGED)
        by_folder[folder].count(verdict, point.id in equivalents)
    return dict(sorted(by_folder.items()))


def alive(points: Sequence[Point], verdicts: Verdicts, equivalents: Container[str]) -> List[str]:
    """Describes each mutant that is alive and not equivalent."""
    lines: List[str] = []
    for point in points:
        verdict = verdicts.get(point.id, Verdict.NOT_JUDGED)
        if verdict.is_alive and point.id not in equivalents:
            why = "unreached" if verdict is Verdict.UNREACHED else "survived"
            lines.append(f"{why}: {point.describe()}  [{point.id}]")
    return lines


def suffices(tops: Dict[str, Score], *, is_sample: bool) -> bool:
    """Whether the score is as wanted. All of a population has to be judged."""
    if is_sample:
        total = Score(
            sum(score.killed for score in tops.values()), sum(score.alive for score in tops.values())
        )
        return total.percent >= WANTED_OF_A_SAMPLE
    return all(score.percent >= WANTED_OF_ALL and not score.not_judged for score in tops.values())
