# SPDX-License-Identifier: BSD-2-Clause
"""A device tree as the text that dtc writes, and edits of it. An edit that changes nothing raises an
exception, so that no test passes with another tree than it intends.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Tuple

HEADER = "/dts-v1/;"


def _dtc(*arguments: str, text: str = "") -> str:
    done = subprocess.run(["dtc", "-q", *arguments], input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ValueError(f"dtc {' '.join(arguments)}: {done.stderr}")
    return done.stdout


class TreeText:
    """The text of one tree. A node is named by the text before its brace, including the unit address."""

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def of_blob(cls, blob: Path) -> "TreeText":
        """Returns the text of a compiled tree."""
        return cls(_dtc("-I", "dtb", "-O", "dts", str(blob)))

    def compile(self, blob: Path) -> None:
        """Writes the compiled tree."""
        _dtc("-I", "dts", "-O", "dtb", "-o", str(blob), "-", text=self.text)

    def _span(self, node: str) -> Tuple[int, int, int]:
        """Returns where the node starts, where its contents start, and where it ends."""
        found = list(re.finditer(rf"^[ \t]*{re.escape(node)} \{{\n", self.text, re.MULTILINE))
        if len(found) != 1:
            raise ValueError(f"the tree has {len(found)} nodes {node}")
        depth = 1
        for brace in re.finditer(r"[{}]", self.text[found[0].end() :]):
            depth += 1 if brace[0] == "{" else -1
            if depth == 0:
                return found[0].start(), found[0].end(), found[0].end() + brace.end() + len(";\n")
        raise ValueError(f"node {node} has no end")

    def node(self, node: str) -> str:
        """Returns the node's own text."""
        start, _, end = self._span(node)
        return self.text[start:end]

    def remove(self, node: str) -> None:
        """Removes the node."""
        start, _, end = self._span(node)
        self.text = self.text[:start] + self.text[end:]

    def insert_before(self, node: str, text: str) -> None:
        """Inserts the text of nodes before the node."""
        start, _, _ = self._span(node)
        self.text = self.text[:start] + text + self.text[start:]

    def remove_property(self, node: str, name: str) -> None:
        """Removes a property of the node."""
        start, _, end = self._span(node)
        edited, count = re.subn(
            rf"^\s*{re.escape(name)}( = [^;]*)?;\n", "", self.text[start:end], flags=re.MULTILINE
        )
        if count != 1:
            raise ValueError(f"{node} has {count} properties {name}")
        self.text = self.text[:start] + edited + self.text[end:]

    def add(self, node: str, text: str) -> None:
        """Inserts new properties at the beginning of the node."""
        _, inside, _ = self._span(node)
        self.text = self.text[:inside] + text + "\n" + self.text[inside:]

    def replace(self, node: str, name: str, value: str) -> None:
        """Replaces the value of an existing property."""
        self.remove_property(node, name)
        self.add(node, f"{name} = {value};")

    def reserve(self, base: int, size: int) -> None:
        """Adds an entry to the memory reservation block."""
        if HEADER not in self.text:
            raise ValueError(f"no {HEADER}")
        self.text = self.text.replace(HEADER, f"{HEADER}\n/memreserve/ {base:#x} {size:#x};", 1)
