#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Judges generated mutants: a sample of them, or all. Host tests judge first, then boots, then checks of the
emitted code.

usage: generated.py [--seed N] --count N [--afresh] [PREFIX...]
       generated.py --all [--afresh] [PREFIX...]
       generated.py --list [PREFIX...]

The mutants are those of the files whose names begin with a prefix. They are built together, in
build/mutants/generated; a number chooses one when the program runs (runtime/mutation.hpp). Prints each mutant
that is alive and the score of each folder. Each verdict is put into the record (record.py) at once. What has
a verdict there is not judged again, so an interrupted run goes on where it ended; with --afresh it is. With
--list, mutants are listed only.

Exit code 0: the score is as wanted (score.py). 1: it is not, or nothing could be judged.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Callable, Iterator, List, Mapping, Optional, Sequence, Tuple

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
    """Judges mutants, and tells each verdict as soon as it is known. Mutants that cross another one are left
    out. Raises CannotBuild if a test fails without any mutant."""
    build = Build(ROOT, TREE, points)
    build.build_all()
    for point in build.broken:
        tell(point, Verdict.NOT_BUILT, "")
    say("all host tests without any mutant")
    host = HostJudge(TREE)
    host.note_reach()
    say(f"host tests judge {len(build.numbers)}")
    left = dict(build.numbers)
    for point, how in _judged(build.numbers, host.kills):
        if how is not None:
            del left[point]
            tell(point, Verdict.BY_HOST, how)
    if not left:
        return
    say("all boots without any mutant")
    boot = BootJudge(TREE, AT_ONCE)
    boot.note_reach()
    say(f"boots judge {len(left)}")
    for_code: List[Point] = []

    def tell_alive(point: Point) -> None:
        number = build.numbers[point]
        is_reached = host.reaches(number) or boot.reaches(number)
        tell(point, Verdict.SURVIVED if is_reached else Verdict.UNREACHED, "")

    for point, how in _judged(left, boot.kills):
        if how is not None:
            tell(point, Verdict.BY_BOOT, how)
        elif judge_code.concerns_code(point):
            for_code.append(point)
        else:
            tell_alive(point)
    if not for_code:
        return
    say(f"checks of the emitted code judge {len(for_code)}")
    code = judge_code.CodeJudge(ROOT, PLAIN_TREE)
    for point in sorted(for_code, key=lambda point: (point.file, point.start)):
        if code.kills(point):
            tell(point, Verdict.BY_CODE, "")
        else:
            tell_alive(point)


def say(what: str) -> None:
    """Prints what is done now, and the time."""
    print(f"mutants: {time.strftime('%H:%M:%S')} {what}", flush=True)


def _judged(
    numbers: Mapping[Point, int], kills: Callable[[int], Optional[str]]
) -> Iterator[Tuple[Point, Optional[str]]]:
    """Lets a judge look at mutants, some at once. Yields how each is killed, or None."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = {pool.submit(kills, number): point for point, number in numbers.items()}
        try:
            for done in as_completed(running):
                yield running[done], done.result()
        finally:
            for future in running:
                future.cancel()


class _Teller:
    """Prints verdicts as they come, and puts them into the record."""

    def __init__(self, everything: Sequence[Point], verdicts: Verdicts, total: int) -> None:
        self.everything = everything
        self.verdicts = verdicts
        self.total = total
        self.told = 0

    def __call__(self, point: Point, verdict: Verdict, how: str) -> None:
        self.verdicts[point.id] = verdict
        self.told += 1
        what = verdict.name.lower().replace("_", " ")
        print(f"[{self.told:4}/{self.total}] {what:9} {point.describe()}", flush=True)
        if how:
            print(f"{'':12}{how}", flush=True)
        record.write((one for one in self.everything if one.folder == point.folder), self.verdicts)


def judge_all(everything: Sequence[Point], points: Sequence[Point], verdicts: Verdicts) -> None:
    """Judges those of the points that have no verdict, in batches, and adds their verdicts. What crosses
    another mutant is in a later batch."""
    left = [point for point in points if point.id not in verdicts]
    tell = _Teller(everything, verdicts, len(left))
    while left:
        judge(left[:BATCH], tell)
        left = [point for point in left if point.id not in verdicts]


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
    parser.add_argument("--afresh", action="store_true")
    parser.add_argument("prefixes", nargs="*")
    args = parser.parse_args(arguments)
    start = time.monotonic()
    everything = population()
    points = [point for point in everything if point.file.startswith(tuple(args.prefixes or ("",)))]
    print(f"mutants: {len(points)} can be generated", flush=True)
    if args.list:
        for point in points:
            print(f"{point.describe()}  [{point.id}]")
        return 0
    if args.count is not None:
        points = sample(points, args.seed, args.count)
        print(f"mutants: a sample of {len(points)}, with seed {args.seed}", flush=True)
    verdicts = record.read(everything)
    if args.afresh:
        for point in points:
            verdicts.pop(point.id, None)
    known = sum(point.id in verdicts for point in points)
    print(f"mutants: {known} of them have a verdict in the record", flush=True)
    try:
        judge_all(everything, points, verdicts)
    except CannotBuild as problem:
        print(f"mutants: {problem}", file=sys.stderr)
        return 1
    enough = report(points, verdicts, is_sample=not args.all)
    print(f"mutants: judged in {time.monotonic() - start:.0f} s", flush=True)
    return 0 if enough else 1


if __name__ == "__main__":
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.exit(main(sys.argv[1:]))
