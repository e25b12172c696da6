#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Shows that the tests notice what they are for: each mutant of mutants.py must make its test fail.

The tree is copied to build/mutants/tree, mutated and built there; first the tests must pass unchanged. Exit code 0: every mutant
was killed. 1: one survived, or a mutant no longer applies. `run.py GLOB...` runs those whose names match; `run.py --check` only
looks whether all of them still apply.
"""

from __future__ import annotations

import fnmatch
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import List, Optional, Sequence, Set, Tuple

from mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
SCRATCH = ROOT / "build" / "mutants"
TREE = SCRATCH / "tree"
PRESET = "4k-48"
TEST_TIMEOUT_S = 120
# Unoptimized and without sanitizers: what is asked is whether the test fails, and there are many to build.
COMPILE = ("clang++-19", "-std=c++23", "-O0", "-I.", "-Itests/host", "-DPERCIVAL_GRANULE_KIB=4", "-DPERCIVAL_VA_BITS=48")
LIBRARIES = ("-lgtest", "-lgtest_main", "-lpthread")


class Broken(Exception):
    """The check itself cannot be done."""


def _run(command: Sequence[str], timeout_s: Optional[float] = None) -> Tuple[int, str]:
    """Exit code and output; -1 when the time was up, which for a test counts as failed."""
    try:
        done = subprocess.run(
            ["nice", *command],
            cwd=TREE,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, "timeout"
    return done.returncode, done.stdout


def _sources(tree: Path) -> Set[Path]:
    """Every file of a tree but what was built or is git's, relative to it."""
    return {
        path.relative_to(tree)
        for top in tree.iterdir()
        if top.name not in ("build", ".git")
        for path in ([top] if top.is_file() else top.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def _copy_tree() -> None:
    """Only what differs is written, and with the time of now: the build trusts times."""
    (TREE / "build").mkdir(parents=True, exist_ok=True)
    wanted = _sources(ROOT)
    for name in _sources(TREE) - wanted:
        (TREE / name).unlink()
    for name in wanted:
        source, copy = ROOT / name, TREE / name
        if copy.is_file() and copy.read_bytes() == source.read_bytes():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
        shutil.copymode(source, copy)
    sysroot = TREE / "build" / "sysroot"
    if not sysroot.exists():
        sysroot.symlink_to((ROOT / "build" / "sysroot").resolve())


def _judge_on_host(mutant: Mutant) -> bool:
    """Whether the tests pass."""
    program = SCRATCH / "tests"
    code, output = _run([*COMPILE, *mutant.sources, "-o", str(program), *LIBRARIES])
    if code != 0:
        raise Broken("does not compile:\n" + output[-2000:])
    code, output = _run([str(program), f"--gtest_filter={mutant.tests}", "--gtest_brief=1"], TEST_TIMEOUT_S)
    if "Running 0 tests" in output or "0 tests from 0 test" in output:
        raise Broken(f"no test is called {mutant.tests}")
    return code == 0


def _judge_by_boot(mutant: Mutant) -> bool:
    if not (TREE / "build" / PRESET / "build.ninja").exists():
        code, output = _run(["cmake", "--preset", PRESET])
        if code != 0:
            raise Broken("cmake:\n" + output[-2000:])
    code, output = _run(["cmake", "--build", "--preset", PRESET])
    if code != 0:
        raise Broken("does not build:\n" + output[-2000:])
    arguments = f"selftest={mutant.selftests} selftest.timeout=10"
    boot = ["./percival", "boot", "--preset", PRESET, "--no-build", "--cpu", "max", "--timeout", "90", "--append", arguments]
    code, _ = _run(boot, TEST_TIMEOUT_S)
    return code == 0


def _judge(mutant: Mutant) -> bool:
    return _judge_on_host(mutant) if mutant.sources else _judge_by_boot(mutant)


def _with_mutation(mutant: Mutant) -> bool:
    path = TREE / mutant.file
    original = path.read_text()
    if original.count(mutant.old) != 1:
        raise Broken(f"its text stands {original.count(mutant.old)} times in {mutant.file}")
    path.write_text(original.replace(mutant.old, mutant.new))
    try:
        return _judge(mutant)
    finally:
        path.write_text(original)


def _check_unchanged(chosen: Sequence[Mutant]) -> None:
    """A test that fails anyway would kill every mutant."""
    for kind in dict.fromkeys((m.sources, m.tests if m.sources else "", m.selftests) for m in chosen):
        sample = Mutant("unchanged", "", "", "", sources=kind[0], tests="*", selftests=kind[2])
        if kind[0] and any(m.sources == kind[0] for m in _checked):
            continue
        if not _judge(sample):
            raise Broken(f"the tests fail without any mutation: {' '.join(kind[0]) or 'boot ' + kind[2]}")
        _checked.append(sample)


def _check_list() -> int:
    """Whether every mutant still applies to the tree as it is."""
    stale = [m for m in MUTANTS if (ROOT / m.file).read_text().count(m.old) != 1]
    for mutant in stale:
        print(f"mutants: the text of '{mutant.name}' does not stand exactly once in {mutant.file}", file=sys.stderr)
    return 1 if stale else 0


_checked: List[Mutant] = []


def main(globs: Sequence[str]) -> int:
    """Runs the mutants whose names match one of `globs`, or all."""
    if list(globs) == ["--check"]:
        return _check_list()
    chosen = [m for m in MUTANTS if not globs or any(fnmatch.fnmatch(m.name, g) for g in globs)]
    if not chosen:
        print(f"no mutant matches {' '.join(globs)}", file=sys.stderr)
        return 1
    start = time.monotonic()
    print(f"mutants: {len(chosen)}, in {TREE}", flush=True)
    _copy_tree()
    failures: List[str] = []
    try:
        _check_unchanged(chosen)
    except Broken as problem:
        print(f"mutants: {problem}", file=sys.stderr)
        return 1
    for number, mutant in enumerate(chosen, 1):
        try:
            verdict = "SURVIVED" if _with_mutation(mutant) else "killed"
        except Broken as problem:
            verdict = f"BROKEN: {problem}"
        print(f"[{number:2}/{len(chosen)}] {verdict:8} {mutant.name}", flush=True)
        if verdict != "killed":
            failures.append(mutant.name)
    took = time.monotonic() - start
    print(f"mutants: {len(chosen) - len(failures)} of {len(chosen)} killed in {took:.0f} s", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.exit(main(sys.argv[1:]))
