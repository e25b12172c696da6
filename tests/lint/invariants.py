#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks the labels of invariants, `INV-file-n`.

A comment in a header defines a label: a line of it begins with the label and a colon. Every label is defined
once and cited elsewhere at least once. Exit code 0: nothing was found.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Sequence

ROOT = Path(__file__).resolve().parents[2]
SUFFIXES = (".cpp", ".hpp", ".h", ".S", ".py", ".md", ".cmake", ".txt", ".pml")
HEADERS = (".hpp", ".h")
LABEL = re.compile(r"\bINV-[a-z][a-z0-9_]*-[0-9]+\b")
DEFINITION = re.compile(r"\s*(?://|/?\*)\s*(INV-[a-z][a-z0-9_]*-[0-9]+):")


def tracked(root: Path) -> List[str]:
    """The files that git tracks and that may cite an invariant."""
    listing = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True)
    return [
        name for name in listing.stdout.splitlines() if name.endswith(SUFFIXES) and (root / name).is_file()
    ]


def check_labels(texts: Dict[str, str]) -> List[str]:
    """What is wrong with the labels in these files, by name and text."""
    defined: Dict[str, List[str]] = {}
    cited: Dict[str, List[str]] = {}
    for name, text in texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            place = f"{name}:{number}"
            labels = LABEL.findall(line)
            definition = DEFINITION.match(line) if name.endswith(HEADERS) else None
            if definition:
                defined.setdefault(definition[1], []).append(place)
                labels.remove(definition[1])
            for label in labels:
                cited.setdefault(label, []).append(place)
    return sorted(
        [f"{places[0]}: {label} is not cited" for label, places in defined.items() if label not in cited]
        + [f"{places[0]}: {label} is not defined" for label, places in cited.items() if label not in defined]
        + [
            f"{place}: {label} is defined already, at {places[0]}"
            for label, places in defined.items()
            for place in places[1:]
        ]
    )


def read(root: Path, names: Sequence[str]) -> Dict[str, str]:
    """The texts of the files."""
    return {name: (root / name).read_text(encoding="utf-8") for name in names}


def main() -> int:
    """Prints what was found."""
    # The test of this check makes up labels.
    names = [name for name in tracked(ROOT) if name != "tests/lint/test_invariants.py"]
    found = check_labels(read(ROOT, names))
    print("\n".join(found) or "every invariant is defined once and cited")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
