#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks that the folders of the kernel stand on floors: docs/folders.tsv names each folder and its floor.

Includes: a file includes its own folder and folders on lower floors, nothing else.

Links: what an object file refers to is defined in its own folder or below. The exceptions are the stated
contracts of docs/contracts.tsv: symbols that a low floor declares and a high one defines. This check reads
the objects of the presets no-local-percpu and shadow, which must have been built.

`layers.py includes` or `layers.py links`; without an argument, both. Exit code 0: nothing was found.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

ROOT = Path(__file__).resolve().parents[2]
PRESETS = ("no-local-percpu", "shadow")
# Calls that the compiler adds in the preset shadow.
ADDED = re.compile(r"__asan_\w+$")
TOPS = ("boot", "arch", "mm", "kernel", "linker")
MAX_FILES = 30
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


class Contract(NamedTuple):
    """A symbol that a file on a low floor declares or names and a higher folder defines."""

    symbol: str
    header: str
    folder: str
    purpose: str


def read_table(path: Path) -> List[List[str]]:
    """The rows of a TSV file without comments and the line of column names."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return rows[1:]


def read_floors(root: Path) -> Dict[str, int]:
    """Folder to floor."""
    return {folder: int(floor) for floor, folder, _ in read_table(root / "docs" / "folders.tsv")}


def read_contracts(root: Path) -> List[Contract]:
    """The stated contracts."""
    return [Contract(*row) for row in read_table(root / "docs" / "contracts.tsv")]


def sources(root: Path) -> Iterator[str]:
    """Every C++ and assembly file below TOPS, relative to the root."""
    for top in TOPS:
        for path in sorted((root / top).rglob("*")):
            if path.suffix in (".cpp", ".hpp", ".S", ".h"):
                yield path.relative_to(root).as_posix()


def folder_of(file: str) -> str:
    """The folder that a file counts to."""
    return file.rpartition("/")[0].replace("arch/arm64/include/arch/", "arch/arm64/")


def resolve(root: Path, included: str) -> Optional[str]:
    """The file that an include line names; None for one of a library or a generated one."""
    for prefix in ("", "arch/arm64/include/"):
        if (root / prefix / included).is_file():
            return prefix + included
    return None


def includes_of(root: Path, file: str) -> Iterator[Tuple[int, str]]:
    """Line number and file of every include of the tree."""
    for number, line in enumerate((root / file).read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        target = resolve(root, match[1]) if match else None
        if target and target.startswith(tuple(f"{top}/" for top in TOPS)):
            yield number, target


def runs_down(floors: Dict[str, int], user: str, used: str) -> bool:
    """Whether a folder may use another one."""
    return user == used or floors[used] < floors[user]


def check_folders(root: Path, floors: Dict[str, int]) -> List[str]:
    """Every folder is in the table, every row has its folder, and none holds too many files."""
    count: Dict[str, int] = {}
    for file in sources(root):
        count[file.rpartition("/")[0]] = count.get(file.rpartition("/")[0], 0) + 1
    known = {folder_of(f"{folder}/x") for folder in count}
    found = [f"docs/folders.tsv: {folder} is not in it" for folder in sorted(known - floors.keys())]
    found += [f"docs/folders.tsv: {folder} has no files" for folder in sorted(floors.keys() - known)]
    found += [
        f"{folder}: {n} files, {MAX_FILES} at most" for folder, n in sorted(count.items()) if n > MAX_FILES
    ]
    return found


def check_includes(root: Path, floors: Dict[str, int]) -> List[str]:
    """Includes that run up or sideways."""
    found = []
    for file in sources(root):
        user = folder_of(file)
        for number, target in includes_of(root, file):
            used = folder_of(target)
            if user not in floors or used not in floors or runs_down(floors, user, used):
                continue
            way = "sideways" if floors[used] == floors[user] else "up"
            floor_of_both = f"from {user} ({floors[user]}) to {target} ({floors[used]})"
            found.append(f"{file}:{number}: runs {way}, {floor_of_both}")
    return found


def source_of(object_file: Path) -> Path:
    """The source that an object file is made from."""
    return ROOT / re.sub(r"^.*?\.dir/", "", object_file.as_posix()).removesuffix(".obj")


def symbols_of(objects: Path) -> Iterator[Tuple[str, str, str]]:
    """Source file, kind (as nm prints it) and name of every symbol of the objects."""
    # Of the sources that are there: a build keeps the objects of files that have moved.
    paths = sorted(path for path in objects.rglob("percival_*.dir/**/*.obj") if source_of(path).is_file())
    if not paths:
        return
    done = subprocess.run(
        ["llvm-nm-19", "--demangle", "--print-file-name", *map(str, paths)],
        capture_output=True,
        text=True,
        check=True,
    )
    for line in done.stdout.splitlines():
        path, _, rest = line.partition(".obj: ")
        kind, _, name = rest[17:].partition(" ") if rest[:1] != " " else rest.strip().partition(" ")
        source = re.sub(r"^.*?\.dir/", "", path)
        yield source, kind, name


def plain(name: str) -> str:
    """A demangled name without its parameters."""
    return name.partition("(")[0]


def check_links(
    symbols: Sequence[Tuple[str, str, str]], floors: Dict[str, int], contracts: Sequence[Contract]
) -> List[str]:
    """References that run up or sideways without a contract, and contracts that nobody needs."""
    owner = {name: folder_of(source) for source, kind, name in symbols if kind in "TDBRA"}
    allowed = {(contract.symbol, contract.folder) for contract in contracts}
    unused = set(allowed)
    found = set()
    for source, kind, name in symbols:
        user, used = folder_of(source), owner.get(name)
        if kind != "U" or used not in floors or user not in floors or runs_down(floors, user, used):
            continue
        if (plain(name), used) in allowed:
            unused.discard((plain(name), used))
            continue
        found.add(f"{source}: refers up or sideways: {plain(name)} of {used}")
    return sorted(found) + [
        f"docs/contracts.tsv: nobody below {folder} calls {name}" for name, folder in sorted(unused)
    ]


def check_contracts(root: Path, floors: Dict[str, int], contracts: Sequence[Contract]) -> List[str]:
    """Each contract's header exists, on a lower floor than the folder that defines the function."""
    found = []
    for contract in contracts:
        header = resolve(root, contract.header)
        name = contract.symbol.rpartition("::")[2]
        if header is None or not re.search(
            rf"\b{re.escape(name)}\b", (root / header).read_text(encoding="utf-8")
        ):
            found.append(f"docs/contracts.tsv: {contract.header} does not declare {contract.symbol}")
        elif floors.get(folder_of(header), 0) > floors.get(contract.folder, 0):
            found.append(f"docs/contracts.tsv: {contract.header} is above {contract.folder}")
    return found


def main(arguments: Sequence[str]) -> int:
    """Prints what was found."""
    floors = read_floors(ROOT)
    contracts = read_contracts(ROOT)
    found: List[str] = []
    if "links" not in arguments:
        found += check_folders(ROOT, floors) + check_includes(ROOT, floors)
    if "includes" not in arguments:
        symbols: List[Tuple[str, str, str]] = []
        for preset in PRESETS:
            objects = ROOT / "build" / preset / "CMakeFiles"
            of_preset = list(symbols_of(objects))
            if not any(kind == "T" for _, kind, _ in of_preset):
                found.append(f"{objects}: no objects")
            symbols += [symbol for symbol in of_preset if not ADDED.match(symbol[2])]
        found += check_links(symbols, floors, contracts) + check_contracts(ROOT, floors, contracts)
    print("\n".join(found) or "every include and every reference runs down")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
