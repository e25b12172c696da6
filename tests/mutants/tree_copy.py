# SPDX-License-Identifier: BSD-2-Clause
"""Keeps copies of the tree, in which mutants are built."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Mapping, Set


def _sources(tree: Path) -> Set[Path]:
    """Every file of a tree but what was built or is git's, relative to it."""
    return {
        path.relative_to(tree)
        for top in tree.iterdir()
        if top.name not in ("build", ".git")
        for path in ([top] if top.is_file() else top.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def copy_tree(root: Path, tree: Path, changed: Mapping[str, bytes] = {}) -> None:
    """Makes `tree` a copy of the tree at `root`, but for files that are `changed`. Only what differs is
    written, and with the time of now: the build trusts times."""
    (tree / "build").mkdir(parents=True, exist_ok=True)
    wanted = _sources(root)
    for name in _sources(tree) - wanted:
        (tree / name).unlink()
    for name in wanted:
        source, copy = root / name, tree / name
        content = changed.get(str(name)) or source.read_bytes()
        if copy.is_file() and copy.read_bytes() == content:
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
        shutil.copymode(source, copy)
    sysroot = tree / "build" / "sysroot"
    if not sysroot.exists():
        sysroot.symlink_to((root / "build" / "sysroot").resolve())
