# SPDX-License-Identifier: BSD-2-Clause
"""What building and testing needs, as data: what it is, the Debian package that brings it, and how to
see that it is there. Looking takes milliseconds and asks no package manager, so that every command can
afford it, and so that it also works on a machine that is not Debian.
"""

from __future__ import annotations

import glob
import shutil
from dataclasses import dataclass
from typing import List, Tuple


@dataclass(frozen=True)
class Requirement:
    """A package, the commands it brings, and files of which each pattern must match something."""

    package: str
    purpose: str
    commands: Tuple[str, ...] = ()
    files: Tuple[str, ...] = ()

    def present(self) -> bool:
        """Whether everything this package is needed for is on the machine."""
        return all(shutil.which(command) for command in self.commands) and all(map(glob.glob, self.files))


QEMU = Requirement("qemu-system-arm", "the machine to boot on", ("qemu-system-aarch64",))

REQUIREMENTS: Tuple[Requirement, ...] = (
    Requirement("clang-19", "the compiler", ("clang-19", "clang++-19")),
    Requirement("clang-tidy-19", "static analysis", ("clang-tidy-19",)),
    Requirement("clang-format-19", "the code's layout", ("clang-format-19",)),
    Requirement("clangd-19", "editors", ("clangd-19",)),
    Requirement(
        "llvm-19", "disassembly, symbols and sizes", ("llvm-objdump-19", "llvm-nm-19", "llvm-symbolizer-19")
    ),
    Requirement(
        "libclang-rt-19-dev",
        "sanitizers of the host tests",
        files=("/usr/lib/llvm-19/lib/clang/19/lib/linux/libclang_rt.asan-*",),
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
    Requirement("spin", "the models of what CPUs do at the same time", ("spin",)),
    Requirement("device-tree-compiler", "device trees in the host tests", ("dtc",)),
    Requirement("gdb-multiarch", "./percival debug", ("gdb-multiarch",)),
    Requirement("git", "the tree", ("git",)),
)


def missing() -> List[Requirement]:
    """The requirements this machine does not meet."""
    return [requirement for requirement in REQUIREMENTS if not requirement.present()]
