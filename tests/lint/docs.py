#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks the documents against the tree.

The maps of folders in README.md and docs/architecture.md are made from docs/folders.tsv; `docs.py --write`
makes them anew, and the table of docs/consoles.md from kernel/uart/uart_table.cpp. Every kind of UART
has a row with its sources there. Paths that a document or a comment names must exist. A file
that docs/errata.md names for a work-around must mention the erratum. Exit code 0: nothing was found.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Tuple

import layers

ROOT = layers.ROOT
ERRATA = "docs/errata.md"
WORKED_AROUND = "## Worked around"
CONSOLES = "docs/consoles.md"
UART_TABLE = "kernel/uart/uart_table.cpp"
UART_KIND = re.compile(r'\.kind = UartKind::(\w+), \.name = "([^"]+)"')
UART_NAME = re.compile(r'UartName\{"([^"]+)", UartKind::(\w+), (k\w+)\}')
LAYOUTS = {
    "kBytes": "8 bits",
    "kSpreadWords": "32 bits, 4 bytes apart",
    "kWords": "32 bits",
    "kOwnWidths": "data 8 bits, status 16 bits",
    "kByteData": "data 8 bits, status 32 bits",
    "kBigWords": "32 bits, big-endian",
}
# Where a path may begin that a text names.
BASES = ("", "arch/arm64/include/", "tests/host/", "build/4k-48/")
PATH = re.compile(r"(?<![\w/.$}{])((?:\.ci|arch|boot|cmake|docs|kernel|linker|mm|scripts|tests)/[\w/.-]*\w)")
# Names that stand for a kind of file.
PLACEHOLDERS = ("arch/NAME", "tests/boot/rows_")
SUFFIXES = (".cpp", ".hpp", ".S", ".py", ".md", ".cmake", ".txt", ".pml", ".tsv")


def folders(root: Path) -> List[Tuple[int, str, str]]:
    """Floor, folder and purpose, from the top down."""
    return [
        (int(floor), folder, purpose)
        for floor, folder, purpose in layers.read_table(root / "docs/folders.tsv")
    ]


def map_by_folder(root: Path) -> List[str]:
    """The map of the README: a code block, in alphabetical order."""
    rows = sorted((folder, purpose) for _, folder, purpose in folders(root))
    width = max(len(folder) for folder, _ in rows) + 2
    return ["", *(f"    {folder:{width}}{purpose}" for folder, purpose in rows), ""]


def map_by_floor(root: Path) -> List[str]:
    """The map of docs/architecture.md: a table from the top floor down."""
    rows = [f"| {floor} | `{folder}` | {purpose} |" for floor, folder, purpose in folders(root)]
    return ["", "| floor | folder | purpose |", "|---|---|---|", *rows, ""]


def uart_kinds(root: Path) -> Dict[str, str]:
    """Kinds of UART by enumerator, with their names for people."""
    return dict(UART_KIND.findall((root / UART_TABLE).read_text(encoding="utf-8")))


def table_of_uarts(root: Path) -> List[str]:
    """The table of docs/consoles.md: what leads to each kind, by layout."""
    in_trees, by_hand = (root / UART_TABLE).read_text(encoding="utf-8").split("kEarlyconNames", 1)
    rows = ["", "| UART | access | compatible strings | `earlycon=` |", "|---|---|---|---|"]
    for kind, title in uart_kinds(root).items():
        for layout, access in LAYOUTS.items():
            names = [
                ", ".join(f"`{name}`" for name, *rest in UART_NAME.findall(part) if rest == [kind, layout])
                for part in (in_trees, by_hand)
            ]
            if any(names):
                rows.append(f"| {title} | {access} | {names[0] or '-'} | {names[1] or '-'} |")
    return rows + [""]


def check_sources(root: Path) -> List[str]:
    """Kinds of UART without a row of sources."""
    text = (root / CONSOLES).read_text(encoding="utf-8").split("## Sources", 1)[-1]
    return [
        f"{CONSOLES}: there is no row of sources for {title}"
        for title in uart_kinds(root).values()
        if f"\n| {title} |" not in text
    ]


def with_block(text: str, name: str, lines: Sequence[str]) -> str:
    """The text with the lines between its markers `<!-- name -->` and `<!-- end -->`."""
    block = f"<!-- {name} -->\n" + "\n".join(lines) + "\n<!-- end -->"
    pattern = re.compile(rf"<!-- {name} -->\n.*?<!-- end -->", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"the markers of '{name}' do not stand exactly once")
    return pattern.sub(lambda _: block, text)


def current_documents(root: Path) -> Dict[str, str]:
    """The documents with maps and tables as they must be."""
    readme = (root / "README.md").read_text(encoding="utf-8")
    architecture = (root / "docs/architecture.md").read_text(encoding="utf-8")
    consoles = (root / CONSOLES).read_text(encoding="utf-8")
    return {
        CONSOLES: with_block(consoles, "uarts", table_of_uarts(root)),
        "README.md": with_block(readme, "folders", map_by_folder(root)),
        "docs/architecture.md": with_block(architecture, "floors", map_by_floor(root)),
    }


def check_maps(root: Path) -> List[str]:
    """Documents whose maps and tables differ from what they are made of."""
    return [
        f"{name}: its table differs from docs/folders.tsv or {UART_TABLE}: run tests/lint/docs.py --write"
        for name, text in current_documents(root).items()
        if text != (root / name).read_text(encoding="utf-8")
    ]


def tracked(root: Path) -> List[str]:
    """The files that git tracks and that are text of ours."""
    done = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.splitlines() if name.endswith(SUFFIXES) and (root / name).is_file()]


def paths_in(text: str) -> Iterator[Tuple[int, str]]:
    """Line number and path of everything in the text that looks like a path of the tree."""
    for number, line in enumerate(text.splitlines(), 1):
        for match in PATH.finditer(line):
            after = line[match.end() : match.end() + 1]
            if after not in ("*", "{", "$", "<") and not match[1].startswith(PLACEHOLDERS):
                yield number, match[1]


def exists(root: Path, path: str) -> bool:
    """Whether it names a file or a folder of the tree, as an include may spell it, too."""
    return any((root / base / path).exists() for base in BASES)


def check_paths(root: Path, names: Sequence[str]) -> List[str]:
    """Paths that are named but not there. A path counts if it has an ending of SUFFIXES."""
    return [
        f"{name}:{number}: there is no {path}"
        for name in names
        for number, path in paths_in((root / name).read_text(encoding="utf-8"))
        if path.endswith(SUFFIXES) and not exists(root, path)
    ]


def errata(text: str) -> Iterator[Tuple[int, List[str], bool]]:
    """Line number and cells of every row of the tables of errata, and whether it is worked around."""
    worked_around = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("## "):
            worked_around = line == WORKED_AROUND
        elif line.startswith("| ") and not line.startswith("| erratum |"):
            yield number, [cell.strip() for cell in line.strip("|").split("|")], worked_around


def check_errata(root: Path, text: str) -> List[str]:
    """Rows of the tables of errata without a file, and work-arounds in files that do not mention them."""
    found = []
    for number, cells, worked_around in errata(text):
        files = [path for _, path in paths_in(cells[-1]) if (root / path).is_file()]
        if len(cells) != 5 or not files:
            found.append(f"{ERRATA}:{number}: a row has five cells, and names a file in the last one")
        elif worked_around:
            found += [
                f"{ERRATA}:{number}: {path} does not mention {cells[0]}"
                for path in files
                if cells[0].lower() not in (root / path).read_text(encoding="utf-8").lower()
            ]
    if not found and not any(worked_around for _, _, worked_around in errata(text)):
        found.append(f"{ERRATA}: there is no row under '{WORKED_AROUND}'")
    return found


def main(arguments: Sequence[str]) -> int:
    """Prints what was found."""
    if list(arguments) == ["--write"]:
        for name, text in current_documents(ROOT).items():
            (ROOT / name).write_text(text, encoding="utf-8")
        return 0
    own = ("tests/lint/", "tests/host/lib/make_symbols_test.py")  # they make up paths
    names = [name for name in tracked(ROOT) if not name.startswith(own)]
    found = check_maps(ROOT) + check_sources(ROOT) + check_paths(ROOT, names)
    found += check_errata(ROOT, (ROOT / ERRATA).read_text(encoding="utf-8"))
    print("\n".join(found) or "the documents agree with the tree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
