# SPDX-License-Identifier: BSD-2-Clause
"""The requirements of building and testing, as data: purpose, Debian package, and how to detect it. A check
takes milliseconds and does not use the package manager. So every command can afford it, and it also works on
machines without Debian.
"""

from __future__ import annotations

import glob
import shutil
from dataclasses import dataclass
from typing import List, Tuple


@dataclass(frozen=True)
class Requirement:
    """A Debian package, its commands, and patterns of its files, each of which must match a file."""

    package: str
    purpose: str
    commands: Tuple[str, ...] = ()
    files: Tuple[str, ...] = ()

    def present(self) -> bool:
        """Returns whether the machine has all commands and files."""
        return all(shutil.which(command) for command in self.commands) and all(map(glob.glob, self.files))


QEMU = Requirement("qemu-system-arm", "the machine to boot on", ("qemu-system-aarch64",))
TAP_READERS = (
    Requirement("perl", "a reader of TAP", ("perl",), ("/usr/share/perl/*/TAP/Parser.pm",)),
    Requirement("node-tap-parser", "another reader of TAP", ("node", "tap-parser")),
)
SIGNING = (
    Requirement("sbsigntool", "signatures for Secure Boot", ("sbsign", "sbverify")),
    Requirement("openssl", "the key for a signature", ("openssl",)),
)
LAVA = Requirement(
    "lava-common",
    "the schema of LAVA's jobs",
    files=("/usr/lib/python3/dist-packages/lava_common/schemas/__init__.py",),
)

REQUIREMENTS: Tuple[Requirement, ...] = (
    Requirement("clang-19", "the compiler", ("clang-19", "clang++-19")),
    Requirement("clang-tidy-19", "static analysis", ("clang-tidy-19",)),
    Requirement("clang-format-19", "code formatting", ("clang-format-19",)),
    Requirement("clangd-19", "editors", ("clangd-19",)),
    Requirement(
        "llvm-19",
        "disassembly, symbols and sizes",
        ("llvm-objdump-19", "llvm-nm-19", "llvm-symbolizer-19", "llvm-mca-19"),
    ),
    Requirement(
        "libclang-rt-19-dev",
        "sanitizers of the host tests",
        files=("/usr/lib/llvm-19/lib/clang/19/lib/linux/libclang_rt.asan-*",),
    ),
    Requirement(
        "python3-clang-19",
        "the generated mutants",
        files=("/usr/lib/python3/dist-packages/clang/cindex.py",),
    ),
    Requirement("binutils-aarch64-linux-gnu", "the kernel's linker", ("aarch64-linux-gnu-ld",)),
    Requirement(
        "libstdc++-12-dev-arm64-cross",
        "the kernel's freestanding C++ headers",
        files=("/usr/aarch64-linux-gnu/include/c++/12/expected",),
    ),
    Requirement("libstdc++-12-dev", "C++ for the host tests", files=("/usr/include/c++/12/expected",)),
    Requirement("cmake", "the build", ("cmake", "ctest")),
    Requirement("ninja-build", "the build", ("ninja",)),
    QEMU,
    Requirement(
        "libgtest-dev",
        "the host tests",
        files=("/usr/include/gtest/gtest.h", "/usr/lib/*/libgtest.a"),
    ),
    Requirement(
        "libfdt-dev", "device trees in the host tests", files=("/usr/include/libfdt.h", "/usr/lib/*/libfdt.a")
    ),
    Requirement("spin", "the models of concurrent CPUs", ("spin",)),
    Requirement("device-tree-compiler", "device trees of tests and boards", ("dtc", "fdtget", "fdtput")),
    Requirement("acpica-tools", "ACPI tables of the host tests", ("iasl",)),
    Requirement("mtools", "disk images to boot from", ("mformat", "mmd", "mcopy")),
    Requirement("xorriso", "images of CD-ROMs to boot from", ("xorriso",)),
    Requirement("gdb-multiarch", "./percival debug", ("gdb-multiarch",)),
    Requirement("black", "the layout of the Python", ("black",)),
    Requirement("mypy", "the types of the Python", ("mypy",)),
    *TAP_READERS,
    Requirement("gdisk", "a check of partition tables", files=("/usr/sbin/sgdisk",)),
    Requirement("genisoimage", "a reader of ISO images", ("isoinfo",)),
    *SIGNING,
    LAVA,
    Requirement("git", "the tree", ("git",)),
)


def missing() -> List[Requirement]:
    """Returns the requirements that this machine does not meet."""
    return [requirement for requirement in REQUIREMENTS if not requirement.present()]
