# SPDX-License-Identifier: BSD-2-Clause
"""The record of verdicts on generated mutants, in the tree: a file for each folder (record/FOLDER.tsv).

A line is for the mutants of one operator in one function: file, function, the hash of its text, operator,
and a letter for each mutant, in their order. When the function changes, its hash does, and its mutants are
judged again.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Dict, Iterable, List, Tuple

from points import Point

HERE = Path(__file__).resolve().parent
RECORD = HERE / "record"
EQUIVALENTS = HERE / "equivalents.tsv"
HEAD = "# Verdicts on generated mutants; tests/mutants/record.py explains the letters.\n"


class Verdict(Enum):
    """What became of a mutant; the value is its letter in the record."""

    BY_HOST = "h"  # killed by a host test
    BY_BOOT = "b"  # killed by a boot
    BY_CODE = "e"  # killed by a check of the emitted code
    NOT_BUILT = "c"  # does not compile, so it is no mutant
    SURVIVED = "s"  # every test that reaches it passes
    UNREACHED = "u"  # no test reaches it
    NOT_JUDGED = "."

    @property
    def is_killed(self) -> bool:
        return self in (Verdict.BY_HOST, Verdict.BY_BOOT, Verdict.BY_CODE)

    @property
    def is_alive(self) -> bool:
        return self in (Verdict.SURVIVED, Verdict.UNREACHED)


Verdicts = Dict[str, Verdict]  # by the id of the mutant


def _split(identity: str) -> Tuple[Tuple[str, str, str, str], int]:
    file, function, text_hash, operator, ordinal = identity.split("|")
    return (file, function, text_hash, operator), int(ordinal)


def parse(text: str) -> Verdicts:
    """Reads the text of a file of the record."""
    verdicts: Verdicts = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            *group, letters = line.split("\t")
            for ordinal, letter in enumerate(letters):
                if letter != Verdict.NOT_JUDGED.value:
                    verdicts["|".join((*group, str(ordinal)))] = Verdict(letter)
    return verdicts


def render(verdicts: Verdicts) -> str:
    """Returns the text of a file of the record."""
    groups: Dict[Tuple[str, str, str, str], Dict[int, Verdict]] = {}
    for identity, verdict in verdicts.items():
        group, ordinal = _split(identity)
        groups.setdefault(group, {})[ordinal] = verdict
    lines: List[str] = []
    for group, by_ordinal in sorted(groups.items()):
        letters = (by_ordinal.get(at, Verdict.NOT_JUDGED).value for at in range(max(by_ordinal) + 1))
        lines.append("\t".join((*group, "".join(letters))) + "\n")
    return HEAD + "".join(lines)


def file_of(folder: str) -> Path:
    """The file of the record for a folder."""
    return RECORD / (folder.replace("/", "-") + ".tsv")


def read(points: Iterable[Point]) -> Verdicts:
    """Returns what the record says about the mutants."""
    known: Verdicts = {}
    for folder in {point.folder for point in points}:
        file = file_of(folder)
        if file.is_file():
            known.update(parse(file.read_text(encoding="utf-8")))
    return {point.id: known[point.id] for point in points if point.id in known}


def write(points: Iterable[Point], verdicts: Verdicts) -> None:
    """Writes the verdicts on all mutants of the folders of `points`; what is not among these is dropped."""
    by_folder: Dict[str, Verdicts] = {}
    for point in points:
        mine = by_folder.setdefault(point.folder, {})
        if point.id in verdicts:
            mine[point.id] = verdicts[point.id]
    RECORD.mkdir(exist_ok=True)
    for folder, mine in by_folder.items():
        if mine:
            whole = file_of(folder).with_suffix(".new")
            whole.write_text(render(mine), encoding="utf-8")
            whole.replace(file_of(folder))


def parse_equivalents(text: str) -> Dict[str, str]:
    """Reads equivalents.tsv: mutants that change nothing that can be observed, each with the reason."""
    reasons: Dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        identity, tab, reason = line.partition("\t")
        if not tab or not reason.strip() or identity.count("|") != 4:
            raise ValueError(f"equivalents.tsv:{number}: wants an id, a tab and a reason")
        if identity in reasons:
            raise ValueError(f"equivalents.tsv:{number}: {identity} stands twice")
        reasons[identity] = reason.strip()
    return reasons


def equivalents() -> Dict[str, str]:
    """The mutants that are marked as equivalent, with the reason for each."""
    return parse_equivalents(EQUIVALENTS.read_text(encoding="utf-8")) if EQUIVALENTS.is_file() else {}
