# SPDX-License-Identifier: BSD-2-Clause
"""Where things lie in the blob of a device tree (Devicetree Specification 0.4, chapter 5). It shares nothing
with the kernel's readers, so that it can judge them. It reads whole trees only.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Dict, List, Set

HEADER_BYTES = 40
OF_BUSES = ("#address-cells", "#size-cells", "ranges")
BEGIN_NODE, END_NODE, PROPERTY, NOP, END = 1, 2, 3, 4, 9


@dataclass(frozen=True)
class Property:
    """A property: the bytes of its token, length, name's offset and value, and those of its name."""

    token: range
    name: range


@dataclass
class Node:
    """A node: the bytes of its first token and name, and all of its bytes, with those of its children."""

    name: str
    head: range
    whole: range
    properties: Dict[str, Property] = field(default_factory=dict)
    children: List["Node"] = field(default_factory=list)


def _word(blob: bytes, at: int) -> int:
    return int(struct.unpack_from(">I", blob, at)[0])


def _aligned(at: int) -> int:
    return (at + 3) & ~3


def _text(blob: bytes, at: int) -> range:
    """Returns the bytes of a text with its NUL."""
    return range(at, blob.index(b"\0", at) + 1)


class FlatTree:
    """A whole tree. `reservations`, `structure` and `strings` are the bytes of its blocks."""

    def __init__(self, blob: bytes) -> None:
        words = struct.unpack_from(">10I", blob)
        self.blob = blob
        self.structure = range(words[2], words[2] + words[9])
        self.strings = range(words[3], words[3] + words[8])
        self.reservations = range(words[4], words[2])
        self.root = self._node(words[2])

    def _node(self, begin: int) -> Node:
        name = _text(self.blob, begin + 4)
        at = _aligned(name.stop)
        node = Node(self.blob[name.start : name.stop - 1].decode(), range(begin, at), range(begin, at))
        while _word(self.blob, at) != END_NODE:
            token = _word(self.blob, at)
            if token == BEGIN_NODE:
                child = self._node(at)
                node.children.append(child)
                at = child.whole.stop
            elif token == PROPERTY:
                key = _text(self.blob, self.strings.start + _word(self.blob, at + 8))
                end = _aligned(at + 12 + _word(self.blob, at + 4))
                text = self.blob[key.start : key.stop - 1].decode()
                node.properties[text] = Property(range(at, end), key)
                at = end
            elif token == NOP:
                at += 4
            else:
                raise ValueError(f"token {token} at {at:#x}")
        node.whole = range(begin, at + 4)
        return node

    def path_to(self, name: str) -> List[Node]:
        """Returns the nodes from the root to the first node with that name."""

        def find(node: Node) -> List[Node]:
            if node.name == name:
                return [node]
            for child in node.children:
                below = find(child)
                if below:
                    return [node, *below]
            return []

        return find(self.root)

    def bytes_of_device(self, name: str) -> Set[int]:
        """Returns the offsets of all bytes that say what the device is and where its registers are. Without
        a bus these are its node, whose name repeats the address, and the cells of the root. With buses these
        are also what they say of addresses, and the names of all these properties."""
        *buses, device = self.path_to(name)
        properties = list(device.properties.values())
        for bus in buses:
            said = [bus.properties[key] for key in OF_BUSES if key in bus.properties]
            properties += said
        needed = {*device.whole, *(at for bus in buses for at in bus.head)}
        for found in properties:
            needed.update(found.token)
            if len(buses) > 1:
                needed.update(found.name)
        return needed
