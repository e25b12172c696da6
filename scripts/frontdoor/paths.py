# SPDX-License-Identifier: BSD-2-Clause
"""Paths in the tree. All files that the front door makes lie under build/."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
LOGS = BUILD / "logs"
SYSROOT = BUILD / "sysroot"
FOREIGN = BUILD / "foreign"  # parts of machines: device trees, boot loaders
KERNEL_NAME = "Image"  # of the kernel for boot loaders, in a build and on media


def build_dir(preset: str) -> Path:
    """Returns the build directory of a CMake preset."""
    return BUILD / preset


def image(preset: str) -> Path:
    """Returns the path of the kernel for boot loaders (arm64 boot protocol)."""
    return build_dir(preset) / KERNEL_NAME


def elf(preset: str) -> Path:
    """Returns the path of the same kernel with symbols, for gdb."""
    return build_dir(preset) / "percival.elf"
