# SPDX-License-Identifier: BSD-2-Clause
"""Shows that the same tree makes the same Image, byte for byte, in whatever directory and at whatever time.

    same_image.py objects   compiles a few sources from the tree and from a directory of another name,
                            compares what the linker takes of them, and looks for paths in the Image
    same_image.py image     builds a copy of the tree, and compares its Image with the one that was built

Both take the default preset as it was built. Exit codes: 0 the same, 1 different.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator, List

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests" / "mutants")]

from frontdoor.build import DEFAULT_PRESET  # noqa: E402  (the path has to be set first)
from frontdoor.paths import build_dir, image  # noqa: E402
from tree_copy import copy_tree  # noqa: E402

# Sources whose code has names of files, by assertions, panics and expectations; and assembly.
SOURCES = (
    *("kernel/wait/work_queue.cpp", "tests/bench/workload_bench.cpp"),
    *("tests/kernel/kernel_map/spurious_fault_test.cpp", "arch/arm64/mmu/trampoline.S"),
)
OBJCOPY = "llvm-objcopy-19"


def _run(command: List[str], where: Path) -> None:
    # Git must not write into the index of the tree, which the copy shares.
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"same_image: {shlex.join(command)}\n{done.stdout}{done.stderr}")


def without_precompiled(command: List[str]) -> List[str]:
    """Returns a compiler's command without the header that was precompiled in the tree, whose names of files
    are those of the tree."""
    if "-Winvalid-pch" not in command:
        return command
    first = command.index("-Winvalid-pch")
    last = max(at for at, word in enumerate(command) if word.endswith("cmake_pch.hxx"))
    return command[:first] + command[last + 1 :]


def _loadable(compiled: Path, stripped: Path) -> bytes:
    """Returns an object without its debugging information, which has names of directories."""
    _run([OBJCOPY, "--strip-debug", str(compiled), str(stripped)], stripped.parent)
    return stripped.read_bytes()


def different_objects(room: Path) -> Iterator[str]:
    """Compiles each of SOURCES twice, from the tree and from a link to it, and names those that differ."""
    other = room / "a_tree_of_another_name"
    other.symlink_to(ROOT)
    commands = json.loads((build_dir(DEFAULT_PRESET) / "compile_commands.json").read_text())
    by_file = {entry["file"]: shlex.split(entry["command"]) for entry in commands}
    for source in SOURCES:
        made: List[bytes] = []
        for tree in (ROOT, other):
            command = without_precompiled(by_file[str(ROOT / source)])
            command = [word.replace(str(ROOT), str(tree)) for word in command]
            compiled = room / f"{len(made)}.o"
            command[command.index("-o") + 1] = str(compiled)
            _run(command, build_dir(DEFAULT_PRESET))
            made.append(_loadable(compiled, room / "stripped.o"))
        if made[0] != made[1]:
            yield f"{source} compiles to something else in another directory"


def paths_in_image() -> Iterator[str]:
    """Names the directories of this machine that the Image has."""
    content = image(DEFAULT_PRESET).read_bytes()
    for path in (str(ROOT), "/usr/"):
        if path.encode() in content:
            yield f"the Image has {path}"


def different_images(room: Path) -> Iterator[str]:
    """Builds a copy of the tree that says it is at the same commit, and tells where its Image differs."""
    copy = room / "a_copy_of_the_tree_under_a_longer_name"
    copy_tree(ROOT, copy)
    git = ROOT / ".git"
    if git.is_file():  # a linked work tree
        (copy / ".git").write_bytes(git.read_bytes())
    elif git.is_dir():
        (copy / ".git").write_text(f"gitdir: {git}\n")
    _run(["cmake", "--preset", DEFAULT_PRESET], copy)
    _run(["cmake", "--build", f"build/{DEFAULT_PRESET}"], copy)
    ours = image(DEFAULT_PRESET).read_bytes()
    theirs = (copy / "build" / DEFAULT_PRESET / "Image").read_bytes()
    if len(ours) != len(theirs):
        yield f"the Image has {len(ours)} bytes, and that of the copy {len(theirs)}"
    differing = [at for at, (one, other) in enumerate(zip(ours, theirs)) if one != other]
    if differing:
        at = differing[0]
        yield f"{len(differing)} bytes of the Image differ, the first at {at:#x}: "
        yield f"  {ours[at - 16 : at + 32]!r} became {theirs[at - 16 : at + 32]!r}"


def main() -> int:
    """Runs the command."""
    with tempfile.TemporaryDirectory(prefix="percival-") as directory:
        room = Path(directory)
        if sys.argv[1:] == ["objects"]:
            problems = [*paths_in_image(), *different_objects(room)]
        elif sys.argv[1:] == ["image"]:
            problems = list(different_images(room))
        else:
            raise SystemExit(__doc__)
    print("\n".join(problems or ["the same"]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
