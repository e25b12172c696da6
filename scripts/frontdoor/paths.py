# SPDX-License-Identifier: BSD-2-Clause
"""Where things are in the tree. Everything the front door makes lies under build/."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
LOGS = BUILD / "logs"
SYSROOT = BUILD / "sysroot"


def build_dir(preset: str) -> Path:
    """The build directory of a CMake preset."""
    return BUILD / preset


def image(preset: str) -> Path:
    """The kernel as a boot loader takes it (arm64 boot protocol)."""
    return build_dir(preset) / "Image"


def elf(preset: str) -> Path:
    """The same kernel with symbols, for gdb."""
    return build_dir(preset) / "percival.elf"
