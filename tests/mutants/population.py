# SPDX-License-Identifier: BSD-2-Clause
"""The population: every generated mutant of the tree."""

from __future__ import annotations

import hashlib
import json
import os
import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Dict, List, Sequence

import points
from points import Point
from schema import crosses

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "mutants" / "points"
# As the kernel is compiled by preset 4k-48 (cmake/kernel.cmake).
OPTIONS = (
    "--target=aarch64-linux-gnu",
    "-std=c++23",
    "-ffreestanding",
    "-mgeneral-regs-only",
    "-fno-exceptions",
    "-fno-rtti",
    "-w",
    "-Wno-error",
    "-DPERCIVAL_GRANULE_KIB=4",
    "-DPERCIVAL_VA_BITS=48",
    "-DPERCIVAL_LOCAL_PERCPU=1",
    "-resource-dir=/usr/lib/llvm-19/lib/clang/19",
)


def options(root: Path) -> List[str]:
    """Returns the compiler's options for a tree."""
    return [
        *OPTIONS,
        *(f"-I{root / folder}" for folder in (".", "arch/arm64/include")),
        *("-isystem", str(root / "build/sysroot/usr/include")),
    ]


def _points_of(file: str) -> List[Point]:
    """The points of a file. They are kept until it changes, or the finder does."""
    content = (ROOT / file).read_bytes()
    key = hashlib.sha256(file.encode() + content + Path(points.__file__).read_bytes()).hexdigest()[:16]
    kept = CACHE / f"{key}.json"
    if kept.is_file():
        return [Point(**entry) for entry in json.loads(kept.read_text())]
    found = points.find(ROOT, file, options(ROOT))
    CACHE.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps([asdict(point) for point in found]))
    return found


def population() -> List[Point]:
    """Returns all points of the tree."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return [point for group in pool.map(_points_of, points.files(ROOT)) for point in group]


def sample(everything: Sequence[Point], seed: int, count: int) -> List[Point]:
    """Returns `count` points taken at random, in the order of the tree. A point that crosses one that was
    drawn before is passed over, so that all fit into one build."""
    order = list(range(len(everything)))
    random.Random(seed).shuffle(order)
    drawn: Dict[str, List[Point]] = {}
    chosen: List[int] = []
    for index in order:
        point = everything[index]
        there = drawn.setdefault(point.file, [])
        if len(chosen) < count and not any(crosses(point, other) for other in there):
            there.append(point)
            chosen.append(index)
    return [everything[index] for index in sorted(chosen)]
