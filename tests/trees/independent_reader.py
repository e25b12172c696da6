# SPDX-License-Identifier: BSD-2-Clause
"""Reads device trees independently of the kernel's reader, and of libfdt: the console, the interrupt
controller, the CPUs and memory. It follows the Devicetree Specification 0.4, and trusts the tree.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Optional, Tuple

# A Raspberry Pi 4 has a GIC and a controller of the second kind.
GICS = ("arm,gic-v3", "arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a7-gic", "qcom,msm-qgic2")
BCM2836 = ("brcm,bcm2836-l1-intc",)
MPIDR_AFFINITY = 0xFF00FFFFFF
MEMORY_AT = 0x8000_0000
MEMORY_SIZE = 0x4000_0000

# The structure's tokens, and the header: ten words in big-endian order (chapter 5).
BEGIN_NODE, END_NODE, PROPERTY, NOP, END = 1, 2, 3, 4, 9
HEADER = ">10I"


@dataclass(frozen=True)
class Facts:
    """What a tree says. `console` is the address of the UART that stdout-path names, None if it names none
    that is enabled; `controller` is that of the GIC's distributor, or of the BCM2836's controller; `cpus` are
    MPIDRs; `memory` is in bytes."""

    console: Optional[int]
    controller: Optional[int]
    cpus: Tuple[int, ...]
    memory: int


@dataclass
class Node:
    """A node of a tree."""

    name: str
    parent: Optional["Node"]
    properties: Dict[str, bytes] = field(default_factory=dict)
    children: List["Node"] = field(default_factory=list)

    def strings(self, name: str) -> List[str]:
        """A property as a list of strings, empty if there is none."""
        return [text.decode() for text in self.properties.get(name, b"").split(b"\0") if text]

    def cell(self, name: str, default: int) -> int:
        """A property of one number."""
        value = self.properties.get(name)
        return default if value is None else int.from_bytes(value, "big")

    def entries(self, name: str, *sizes: int) -> List[Tuple[int, ...]]:
        """The entries of a property, each of numbers with so many cells."""
        value, width = self.properties.get(name, b""), 4 * sum(sizes)
        found = []
        for start in range(0, len(value) // width * width if width else 0, width):
            at, numbers = start, []
            for size in sizes:
                numbers.append(int.from_bytes(value[at : at + 4 * size], "big"))
                at += 4 * size
            found.append(tuple(numbers))
        return found

    @property
    def path(self) -> List["Node"]:
        """The node, its parent, and so on up to the root."""
        return [self] + (self.parent.path if self.parent else [])

    @property
    def all(self) -> Iterator["Node"]:
        """The node and all below it, in the order of the tree."""
        yield self
        for child in self.children:
            yield from child.all

    @property
    def is_enabled(self) -> bool:
        """Whether neither the node nor one above it is off."""
        return all(node.strings("status")[:1] in ([], ["okay"], ["ok"]) for node in self.path)

    @property
    def registers(self) -> List[Tuple[int, ...]]:
        """The entries of `reg`: addresses on the bus above, and sizes."""
        assert self.parent is not None
        return self.entries("reg", self.parent.cell("#address-cells", 2), self.parent.cell("#size-cells", 1))

    @property
    def address(self) -> Optional[int]:
        """The CPU's address of the first registers, None if the CPU has no access."""
        if not self.registers:
            return None
        address = self.registers[0][0]
        buses = self.path[1:]
        for bus, above in zip(buses, buses[1:]):
            if "ranges" not in bus.properties:
                return None
            sizes = (
                bus.cell("#address-cells", 2),
                above.cell("#address-cells", 2),
                bus.cell("#size-cells", 1),
            )
            ranges = bus.entries("ranges", *sizes)
            moved = [to + address - at for at, to, size in ranges if at <= address < at + size]
            if ranges and not moved:
                return None
            address = moved[0] if moved else address
        return address


def read(blob: bytes) -> Node:
    """Returns the root of a tree."""
    _, _, at, strings, *_ = struct.unpack_from(HEADER, blob)
    root = Node("", None)
    node = root
    depth = 0
    while True:
        (token,) = struct.unpack_from(">I", blob, at)
        at += 4
        if token == BEGIN_NODE:
            end = blob.index(b"\0", at)
            if depth:
                child = Node(blob[at:end].decode(), node)
                node.children.append(child)
                node = child
            depth += 1
            at = end + 4 & ~3
        elif token == END_NODE:
            depth -= 1
            node = node.parent or root
        elif token == PROPERTY:
            size, offset = struct.unpack_from(">2I", blob, at)
            name = blob[strings + offset : blob.index(b"\0", strings + offset)].decode()
            node.properties[name] = blob[at + 8 : at + 8 + size]
            at = at + 8 + size + 3 & ~3
        elif token == END:
            return root


def _node(root: Node, path: str) -> Optional[Node]:
    """The node with that path, which may leave unit addresses out."""
    node = root
    for name in filter(None, path.split("/")):
        found = [child for child in node.children if name in (child.name, child.name.split("@", 1)[0])]
        if not found:
            return None
        node = found[0]
    return node


def _console(root: Node) -> Optional[int]:
    chosen, aliases = _node(root, "/chosen"), _node(root, "/aliases")
    names = (chosen.strings("stdout-path") or chosen.strings("linux,stdout-path")) if chosen else []
    path = names[0].split(":", 1)[0] if names else ""
    if aliases and not path.startswith("/"):
        alias, _, rest = path.partition("/")
        path = next(iter(aliases.strings(alias)), "") + ("/" + rest if rest else "")
    node = _node(root, path) if path else None
    return node.address if node and node.parent and node.is_enabled else None


def _memory(root: Node) -> int:
    banks = sorted(
        (start, start + size)
        for node in root.children
        if node.strings("device_type") == ["memory"] and node.is_enabled
        for start, size in node.registers
    )
    total, top = 0, 0
    for start, end in banks:  # some trees have banks that overlap
        total += max(0, end - max(start, top))
        top = max(top, end)
    return total


def facts(blob: bytes) -> Facts:
    """Returns what the tree says."""
    root = read(blob)
    controllers = [
        node
        for names in (GICS, BCM2836)
        for node in root.all
        if set(node.strings("compatible")) & set(names) and node.is_enabled
    ]
    cpus = _node(root, "/cpus") or root
    mpidrs = [
        node.registers[0][0] & MPIDR_AFFINITY
        for node in cpus.children
        if node.strings("device_type") == ["cpu"] and node.is_enabled
    ]
    controller = controllers[0].address if controllers else None
    return Facts(_console(root), controller, tuple(sorted(mpidrs)), _memory(root))


def _property(name_at: int, value: bytes) -> bytes:
    return struct.pack(">3I", PROPERTY, len(value), name_at) + value + bytes(-len(value) % 4)


def with_memory(blob: bytes) -> bytes:
    """Returns the tree with memory in it. Many trees leave it to the firmware to say how much there is."""
    root = read(blob)
    if _memory(root):
        return blob
    magic, _, structure, strings, map_at, version, oldest, boot_cpu, strings_size, size = struct.unpack_from(
        HEADER, blob
    )
    texts = blob[strings : strings + strings_size]
    names = {"device_type": len(texts), "reg": len(texts) + len("device_type") + 1}
    texts += b"".join(name.encode() + b"\0" for name in names)
    cells = (root.cell("#address-cells", 2), root.cell("#size-cells", 1))
    reg = b"".join(number.to_bytes(4 * n, "big") for number, n in zip((MEMORY_AT, MEMORY_SIZE), cells))
    name = b"memory-of-the-firmware\0"
    node = struct.pack(">I", BEGIN_NODE) + name + bytes(-len(name) % 4)
    node += _property(names["device_type"], b"memory\0") + _property(names["reg"], reg)
    node += struct.pack(">I", END_NODE)
    tokens = blob[structure : structure + size]
    last = len(tokens) - 8  # before the root's end and that of the structure
    assert struct.unpack(">2I", tokens[last:]) == (END_NODE, END)
    tokens = tokens[:last] + node + tokens[last:]
    # The map of reservations keeps its place behind the header. The rest follows it anew.
    at = min(each for each in (structure, strings) if each > map_at)
    body = blob[struct.calcsize(HEADER) : at] + tokens + texts
    header = struct.pack(
        HEADER,
        *(magic, struct.calcsize(HEADER) + len(body), at, at + len(tokens), map_at),
        *(version, oldest, boot_cpu, len(texts), len(tokens)),
    )
    return header + body
