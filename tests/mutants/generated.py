#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Judges generated mutants: a sample of them, or all. Host tests judge first, then boots, then checks of the
emitted code.

usage: generated.py [--seed N] --count N [PREFIX...]
       generated.py --all [PREFIX...]
       generated.py --list [PREFIX...]

The mutants are those of the files whose names begin with a prefix. They are built together, in
build/mutants/generated; a number chooses one when the program runs (runtime/mutation.hpp). Prints each mutant
that is alive and the score of each folder. With --all, verdicts are kept in the record (record.py), and only
mutants that have none there are judged. With --list, mutants are listed only.

Exit code 0: the score is as wanted (score.py). 1: it is not, or nothing could be judged.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Dict, List, Optional, Sequence

import judge_code
import record
import score
from build_mutants import Build, CannotBuild
from judge_boot import BootJudge
from judge_host import HostJudge
from points import Point
from population import ROOT, population, sample
from record import Verdict, Verdicts
from score import scores, suffices

TREE = ROOT / "build" / "mutants" / "generated"
PLAIN_TREE = ROOT / "build" / "mutants" / "emitted"
BATCH = 1500  # so many mutants are built together; more make the programs slow
AT_ONCE = os.cpu_count() or 1

Tell = Callable[[Point, Verdict, str], None]


def judge(points: Sequence[Point], tell: Tell) -> None:
    """Judges mutants, and tells each verdict. Mutants that cross another one are left out."""
    build = Build(ROOT, TREE, points)
    build.build_all()
    for point in build.broken:
        tell(point, Verdict.NOT_BUILT, "")
    host = HostJudge(TREE)
    host.note_reach()
    left = _not_killed(build.numbers, host.kills, Verdict.BY_HOST, tell)
    if not left:
        return
    boot = BootJudge(TREE, AT_ONCE)
    boot.note_reach()
    left = _not_killed(left, boot.kills, Verdict.BY_BOOT, tell)
    concerned = judge_code.chosen(list(left))
    code = judge_code.CodeJudge(ROOT, PLAIN_TREE) if concerned else None
    for point in concerned:
        if code is not None and code.kills(point):
            del left[point]
            tell(point, Verdict.BY_CODE, "")
    for point, number in left.items():
        is_reached = host.reaches(number) or boot.reaches(number)
        tell(point, Verdict.SURVIVED if is_reached else Verdict.UNREACHED, "")


def _not_killed(
    numbers: Dict[Point, int], kills: Callable[[int], Optional[str]], verdict: Verdict, tell: Tell
) -> Dict[Point, int]:
    """Tells which mutants a judge kills, and returns the others."""
    left: Dict[Point, int] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for (point, number), how in zip(numbers.items(), pool.map(kills, numbers.values())):
            if how is None:
                left[point] = number
            else:
                tell(point, verdict, how)
    return left


class _Teller:
    """Prints verdicts as they come, and keeps them."""

    def __init__(self, total: int, verdicts: Verdicts, keep: Callable[[], None]) -> None:
        self.total = total
        self.verdicts = verdicts
        self.keep = keep
        self.told = 0

    def __call__(self, point: Point, verdict: Verdict, how: str) -> None:
        self.verdicts[point.id] = verdict
        self.told += 1
        what = verdict.name.lower().replace("_", " ")
        print(f"[{self.told:4}/{self.total}] {what:9} {point.describe()}", flush=True)
        if how:
            print(f"{'':12}{how}", flush=True)
        if self.told % 50 == 0:
            self.keep()


def _judge_sample(points: Sequence[Point]) -> Verdicts:
    verdicts: Verdicts = {}
    judge(points, _Teller(len(points), verdicts, lambda: None))
    return verdicts


def _judge_all(points: Sequence[Point]) -> Verdicts:
    """Judges in batches, and keeps the record. What crosses another mutant is in a later batch."""
    verdicts = record.read(points)

    def keep() -> None:
        record.write(points, verdicts)

    while True:
        left = [point for point in points if point.id not in verdicts]
        if not left:
            return verdicts
        judge(left[:BATCH], _Teller(len(left), verdicts, keep))
        keep()


def report(points: Sequence[Point], verdicts: Verdicts, *, is_sample: bool) -> bool:
    """Prints what is alive and the scores; returns whether these suffice."""
    equivalents = record.equivalents()
    for line in score.alive(points, verdicts, equivalents):
        print(line)
    for point in points:
        if point.id in equivalents and verdicts.get(point.id, Verdict.NOT_JUDGED).is_killed:
            print(f"killed, but marked as equivalent: {point.describe()}  [{point.id}]")
    files = {point.file for point in points}
    for identity in sorted(equivalents.keys() - {point.id for point in points}) if not is_sample else ():
        if identity.split("|")[0] in files:
            print(f"marked as equivalent, but there is no such mutant: {identity}")
    for folder, result in scores(points, verdicts, equivalents, 9).items():
        print(f"{folder:26} {result}")
    tops = scores(points, verdicts, equivalents, 1)
    for folder, result in tops.items():
        print(f"all of {folder:19} {result}")
    return suffices(tops, is_sample=is_sample)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--count", type=int)
    what.add_argument("--all", action="store_true")
    what.add_argument("--list", action="store_true")
    parser.add_argument("prefixes", nargs="*")
    args = parser.parse_args(arguments)
    start = time.monotonic()
    points: List[Point] = population(args.prefixes)
    print(f"mutants: {len(points)} can be generated", flush=True)
    if args.list:
        for point in points:
            print(f"{point.describe()}  [{point.id}]")
        return 0
    if args.count is not None:
        points = sample(points, args.seed, args.count)
        print(f"mutants: a sample of {len(points)}, with seed {args.seed}", flush=True)
    try:
        verdicts = _judge_all(points) if args.all else _judge_sample(points)
    except CannotBuild as problem:
        print(f"mutants: {problem}", file=sys.stderr)
        return 1
    enough = report(points, verdicts, is_sample=not args.all)
    print(f"mutants: judged in {time.monotonic() - start:.0f} s", flush=True)
    return 0 if enough else 1


if __name__ == "__main__":
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.exit(main(sys.argv[1:]))
