# SPDX-License-Identifier: BSD-2-Clause
"""A mutant: one barrier, invalidation, break, publication, check or lock less, and the test that must notice.

`old` stands in `file` exactly once. A mutant is judged either on the host, by `tests` (a GoogleTest filter)
in a program made of `sources` or in percival_kernel_machine_tests, or by booting the build of `preset`, where
a run that is not `passed` kills the mutant, or by the order of the instructions in that build
(tests/boot/test_emitted_order.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence, Tuple


@dataclass(frozen=True)
class Mutant:
    name: str
    file: str
    old: str
    new: str
    sources: Tuple[str, ...] = ()  # none: judged by a boot
    tests: str = "*"
    selftests: str = "*"  # which self-tests a boot runs
    cpu: str = "max"  # and on what: QEMU may take a range TLBI, which `max` has, for one of everything
    append: str = ""  # and with which other boot arguments
    at_el2: bool = False  # and entered at EL2
    preset: str = "4k-48"
    arm64: bool = False  # a host test of the headers of arch/arm64 themselves, for addresses of 52 bits
    machine: bool = False  # by percival_kernel_machine_tests, where `sources` has the test
    emitted: bool = False  # no boot: the order of the instructions


def on_host(name: str, file: str, old: str, new: str, sources: Sequence[str], tests: str) -> Mutant:
    return Mutant(name, file, old, new, tuple(sources), tests)


def on_host_arm64(name: str, file: str, old: str, new: str, sources: Sequence[str], tests: str) -> Mutant:
    return Mutant(name, file, old, new, tuple(sources), tests, arm64=True)


def on_kernel_machine(name: str, file: str, old: str, new: str, test: str, tests: str) -> Mutant:
    source = f"tests/host/kernel_machine/{test}_test.cpp"
    return Mutant(name, file, old, new, (source,), tests, machine=True)


def by_boot(
    name: str, file: str, old: str, new: str, selftests: str, cpu: str = "max", append: str = ""
) -> Mutant:
    return Mutant(name, file, old, new, selftests=selftests, cpu=cpu, append=append)


def by_boot_at_el2(name: str, file: str, old: str, new: str, selftests: str) -> Mutant:
    """The kernel stays at EL2."""
    return Mutant(name, file, old, new, selftests=selftests, append="el=2", at_el2=True)


def by_shadow_boot(name: str, file: str, old: str, new: str, selftests: str, append: str = "") -> Mutant:
    return Mutant(name, file, old, new, selftests=selftests, append=append, preset="shadow")


def by_boot_of_one_mode(mode: str, name: str, file: str, old: str, new: str, selftests: str) -> Mutant:
    """The build of this mode alone, with its sequences in line."""
    return Mutant(name, file, old, new, selftests=selftests, preset=f"only-{mode}")


def by_emitted_order(name: str, file: str, old: str, new: str) -> Mutant:
    return Mutant(name, file, old, new, emitted=True)
