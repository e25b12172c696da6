#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Shows that the tests notice the defects they are for: each mutant of mutants.py must make its test fail.

The tree is copied to build/mutants/tree and built there; first the tests must pass without any mutation. Exit
code 0: every mutant was killed. 1: one survived, or a mutant no longer applies. `run.py GLOB...` runs those
whose names match. tests/lint/named_tests.py checks in a second whether all mutants apply to the tree.
"""

from __future__ import annotations

import fnmatch
import functools
import os
import re
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from command import run
from mutant import Mutant
from mutants import MUTANTS
from tree_copy import copy_tree

ROOT = Path(__file__).resolve().parents[2]
SCRATCH = ROOT / "build" / "mutants"
TREE = SCRATCH / "tree"
MACHINE_TESTS = "percival_kernel_machine_tests"
TEST_TIMEOUT_S = 120
# Unoptimized and without sanitizers: what is asked is whether the test fails, and there are many to build.
COMPILE = (
    *("clang++-19", "-std=c++23", "-O0"),
    *("-DPERCIVAL_GRANULE_KIB=4", "-DPERCIVAL_VA_BITS=48", "-DPERCIVAL_LOCAL_PERCPU=1"),
)
INCLUDES = ("-I.", "-Itests/host")
ARM64 = "arch/arm64/include"
ARM64_OPTIONS = (f"-I{ARM64}", "-UPERCIVAL_VA_BITS", "-DPERCIVAL_VA_BITS=52")
# What hides headers of the kernel from the program of these tests (tests/host/CMakeLists.txt).
EXPLORED = "tests/host/explored"
HIDING = (f"-I{EXPLORED}", "-include", "tests/host/explored/support/explored_atomics.hpp")
# A mutant may leave something unused. Clang keeps to these wherever -Werror stands.
UNUSED_IS_NO_ERROR = ("-Wno-error=unused", "-Wno-error=unused-parameter")
# What the build links into every host program, too (tests/host/CMakeLists.txt).
COMMON_SOURCES = ("tests/host/support/switch_if_due.cpp",)
LIBRARIES = ("-lgtest", "-lgtest_main", "-lpthread")
# The kernel's line on the machine, when every CPU came up.
ALL_CPUS = re.compile(r"^machine: .*, (\d+) of \1 CPUs, ", re.MULTILINE)


class Broken(Exception):
    """The check itself cannot be done."""


def _run(command: Sequence[str], timeout_s: Optional[float] = None) -> Tuple[int, str]:
    """Exit code and output of a command in the copy of the tree."""
    return run(command, TREE, timeout_s)


def _judge_on_host(mutant: Mutant) -> bool:
    """Returns whether the tests pass. The mutated file goes into a directory of its own, which the compiler
    searches first, so several mutants can be judged at a time."""
    with tempfile.TemporaryDirectory(prefix="percival-mutant-") as name:
        own = Path(name)
        if mutant.file:
            (own / mutant.file).parent.mkdir(parents=True)
            (own / mutant.file).write_text(_mutated(mutant))
        sources = [str(own / source) if source == mutant.file else source for source in mutant.sources]
        program = own / "tests"
        hiding = HIDING if any(source.startswith(EXPLORED) for source in mutant.sources) else ()
        options = [f"-I{own}", *hiding, *INCLUDES]
        if mutant.arm64:
            options = [f"-I{own / ARM64}", *ARM64_OPTIONS, *options]
        code, output = _run([*COMPILE, *options, *sources, *COMMON_SOURCES, "-o", str(program), *LIBRARIES])
        if code != 0:
            raise Broken("does not compile:\n" + output[-2000:])
        code, output = _run(
            [str(program), f"--gtest_filter={mutant.tests}", "--gtest_brief=1"], TEST_TIMEOUT_S
        )
    return _tests_pass(mutant, code, output)


def _tests_pass(mutant: Mutant, code: int, output: str) -> bool:
    if "Running 0 tests" in output or "0 tests from 0 test" in output:
        raise Broken(f"no test is called {mutant.tests}")
    return code == 0


def _judge_in_tree(mutant: Mutant) -> bool:
    """The same for what is built from the tree itself: one at a time."""
    path = TREE / mutant.file
    original = path.read_text() if mutant.file else ""
    try:
        if mutant.file:
            path.write_text(_mutated(mutant))
        if mutant.machine:
            return _machine_tests_pass(mutant)
        _build(mutant.preset)
        return _order_holds() if mutant.emitted else _boot_passes(mutant)
    finally:
        if mutant.file:
            path.write_text(original)


@functools.lru_cache(maxsize=None)
def _configure(preset: str) -> None:
    code, output = _run(["cmake", "--preset", preset, "-DCMAKE_CXX_FLAGS=" + " ".join(UNUSED_IS_NO_ERROR)])
    if code != 0:
        raise Broken("cmake:\n" + output[-2000:])


def _build(preset: str) -> None:
    _configure(preset)
    code, output = _run(["cmake", "--build", "--preset", preset])
    if code != 0:
        raise Broken("does not build:\n" + output[-2000:])


def _machine_tests_pass(mutant: Mutant) -> bool:
    _configure("host")
    code, output = _run(["cmake", "--build", "build/host", "--target", MACHINE_TESTS])
    if code != 0:
        raise Broken("does not build:\n" + output[-2000:])
    program = f"build/host/tests/host/{MACHINE_TESTS}"
    code, output = _run([program, f"--gtest_filter={mutant.tests}", "--gtest_brief=1"], TEST_TIMEOUT_S)
    return _tests_pass(mutant, code, output)


def _order_holds() -> bool:
    test = "test_emitted_order.EmittedOrderTest.test_every_rule_holds_on_every_path"
    code, output = _run(["env", "-C", "tests/boot", sys.executable, "-m", "unittest", test])
    if "Ran 1 test" not in output:
        raise Broken(f"{test} does not run:\n" + output[-2000:])
    return code == 0


def _boot_passes(mutant: Mutant) -> bool:
    arguments = f"selftest={mutant.selftests} selftest.timeout=10 {mutant.append}".strip()
    machine = ["--preset", mutant.preset, "--cpu", mutant.cpu]
    if mutant.at_el2:
        machine += ["--machine", "virt,gic-version=3,virtualization=on"]
    boot = ["./percival", "boot", *machine, "--no-build", "--timeout", "90"]
    code, output = _run([*boot, "--append", arguments], TEST_TIMEOUT_S)
    # A kernel that lost a CPU goes on without it, and skips what needs it.
    return code == 0 and ALL_CPUS.search(output) is not None


def _mutated(mutant: Mutant) -> str:
    original = (TREE / mutant.file).read_text()
    if original.count(mutant.old) != 1:
        raise Broken(f"its text stands {original.count(mutant.old)} times in {mutant.file}")
    return original.replace(mutant.old, mutant.new)


def _is_program_of_its_own(mutant: Mutant) -> bool:
    return bool(mutant.sources) and not mutant.machine


def _verdict(mutant: Mutant) -> str:
    try:
        passes = _judge_on_host(mutant) if _is_program_of_its_own(mutant) else _judge_in_tree(mutant)
        return "SURVIVED" if passes else "killed"
    except Broken as problem:
        return f"BROKEN: {problem}"


def _unmutated(chosen: Sequence[Mutant]) -> List[Mutant]:
    """The judges of the chosen mutants, unmutated: a test that always fails would kill every mutant."""
    kinds: Dict[Mutant, Dict[str, None]] = {}
    for m in chosen:
        name = " ".join(
            m.sources or ("emitted order",) * m.emitted or ("boot", m.preset, m.selftests, m.append)
        ).strip()
        kinds.setdefault(replace(m, name=name, file="", old="", new="", tests=""), {})[m.tests] = None
    return [replace(kind, tests=":".join(tests)) for kind, tests in kinds.items()]


def _verdicts(mutants: Sequence[Mutant]) -> Iterator[Tuple[Mutant, str]]:
    """Runs as many host tests at a time as there are CPUs; then what is built from the tree, which keeps all
    busy."""
    on_host = [m for m in mutants if _is_program_of_its_own(m)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from zip(on_host, pool.map(_verdict, on_host))
    for mutant in mutants:
        if not _is_program_of_its_own(mutant):
            yield mutant, _verdict(mutant)


def main(globs: Sequence[str]) -> int:
    """Runs the mutants whose names match one of `globs`, or all."""
    chosen = [m for m in MUTANTS if not globs or any(fnmatch.fnmatch(m.name, g) for g in globs)]
    if not chosen:
        print(f"no mutant matches {' '.join(globs)}", file=sys.stderr)
        return 1
    start = time.monotonic()
    print(f"mutants: {len(chosen)}, in {TREE}", flush=True)
    copy_tree(ROOT, TREE)
    failing = [judge for judge in _verdicts(_unmutated(chosen)) if judge[1] != "SURVIVED"]
    for unmutated, verdict in failing:
        print(f"mutants: without any mutation {unmutated.name} fails ({verdict})", file=sys.stderr)
    if failing:
        return 1
    killed = 0
    for number, (mutant, verdict) in enumerate(_verdicts(chosen), 1):
        killed += verdict == "killed"
        print(f"[{number:2}/{len(chosen)}] {verdict:8} {mutant.name}", flush=True)
    took = time.monotonic() - start
    print(f"mutants: {killed} of {len(chosen)} killed in {took:.0f} s", flush=True)
    return 0 if killed == len(chosen) else 1


if __name__ == "__main__":
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.exit(main(sys.argv[1:]))
