# SPDX-License-Identifier: BSD-2-Clause
"""Provides libfdt for arm64, which the kernel links, in build/sysroot.

libfdt-dev of two architectures cannot be installed side by side, and the host tests link the one of the host.
"""

from __future__ import annotations

from frontdoor import foreign_packages
from frontdoor.foreign_packages import ForeignPackage
from frontdoor.paths import SYSROOT

LIBFDT = ForeignPackage(
    "libfdt-dev",
    "the kernel",
    SYSROOT,
    ("usr/include/libfdt.h", "usr/lib/aarch64-linux-gnu/libfdt.a", "usr/share/doc/libfdt-dev/copyright"),
)


def present() -> bool:
    """Returns whether the sysroot is complete."""
    return LIBFDT.present()


def provide() -> None:
    """Fetches and unpacks the package, unless the sysroot is complete."""
    foreign_packages.provide(LIBFDT)
