# SPDX-License-Identifier: BSD-2-Clause
"""Damage by a seed: to a device tree, which is cut or has 1 to 8 bytes changed in one of its blocks, or to
the Image, which is cut or has one bit changed. The same seed and the same files make the same damage.
"""

from __future__ import annotations

import enum
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Tuple

from flat_tree import HEADER_BYTES, FlatTree
from tree_text import TreeText

MOST_CHANGES = 8
# A refusal needs the front of the Image, which linker/kernel.lds.S puts there.
FRONT_OF_IMAGE = 0x1_0000
UART = "pl011@9000000"
SERIAL = "serial@1000000"


class Kind(enum.Enum):
    """What is damaged."""

    CUT = "the tree is cut"
    HEADER = "the tree's header"
    RESERVATIONS = "the tree's memory reservations"
    STRUCTURE = "the tree's structure"
    STRINGS = "the tree's strings"
    IMAGE_CUT = "the Image is cut"
    IMAGE_BIT = "a bit of the Image"

    @property
    def is_of_image(self) -> bool:
        """Whether the Image is damaged, not the tree."""
        return self in (Kind.IMAGE_CUT, Kind.IMAGE_BIT)


KINDS: Tuple[Kind, ...] = (
    *(Kind.STRUCTURE, Kind.CUT, Kind.STRINGS, Kind.IMAGE_BIT, Kind.STRUCTURE),
    *(Kind.HEADER, Kind.STRUCTURE, Kind.RESERVATIONS, Kind.IMAGE_CUT, Kind.STRUCTURE),
)


@dataclass(frozen=True)
class Base:
    """A tree of QEMU's machine `virt` as some firmware could describe it. `el` is the exception level at
    which the kernel is entered, and `uart` the name of the node of the only UART."""

    name: str
    gic: int
    el: int = 1
    uart: str = UART


BASES = (
    Base("virt", gic=2),
    Base("virt", gic=3, el=2),
    Base("sbsa", gic=3),
    Base("alias", gic=2),
    Base("bus", gic=3, el=2, uart=SERIAL),
    Base("bus_and_alias", gic=2, uart=SERIAL),
    Base("small_board.dts", gic=2, uart="serial@9000000"),
)


def _put_on_a_bus(tree: TreeText) -> None:
    """Moves the UART to a bus with addresses of its own, of one cell each."""
    node = tree.node(UART)
    tree.remove(UART)
    tree.insert_before(
        "psci",
        'soc@8000000 {\ncompatible = "simple-bus";\n#address-cells = <1>;\n#size-cells = <1>;\n'
        "ranges = <0 0 0x8000000 0x4000000>;\n" + node.replace(UART, SERIAL) + "};\n",
    )
    tree.replace(SERIAL, "reg", "<0x1000000 0x1000>")
    tree.replace("chosen", "stdout-path", f'"/soc@8000000/{SERIAL}"')
    tree.remove("aliases")


def edit(base: Base, tree: TreeText) -> None:
    """Makes the base's tree of QEMU's own. Random values are left out."""
    for name in ("rng-seed", "kaslr-seed"):
        tree.remove_property("chosen", name)
    if base.name == "sbsa":
        tree.replace(UART, "compatible", '"arm,sbsa-uart"')
    if base.name.startswith("bus"):
        _put_on_a_bus(tree)
    if base.name.endswith("alias"):
        path = f"/soc@8000000/{SERIAL}" if base.uart == SERIAL else f"/{UART}"
        if base.uart == UART:
            tree.remove("aliases")
        tree.insert_before("psci", f'aliases {{\nserial0 = "{path}";\n}};\n')
        tree.replace("chosen", "stdout-path", '"serial0:115200n8"')


def kind_of(seed: int) -> Kind:
    """Returns what the seed damages."""
    return KINDS[seed % len(KINDS)]


def base_of(seed: int) -> Base:
    """Returns the seed's tree."""
    return BASES[seed % len(BASES)]


def _leaves_console_or_arguments(uart: str, tree: FlatTree, places: List[int]) -> bool:
    """Returns whether damage at these places leaves the UART or the boot arguments whole. Without both a run
    of all self-tests, which takes minutes, would look like a hang."""
    arguments = tree.path_to("chosen")[-1].properties["bootargs"]
    return any(
        needed.isdisjoint(places)
        for needed in (tree.bytes_of_device(uart), {*arguments.token, *arguments.name})
    )


def damaged_tree(seed: int, blob: bytes) -> bytes:
    """Returns the tree with the seed's damage. A tree that is cut is shorter."""
    dice = random.Random(seed)
    tree = FlatTree(blob)
    kind = kind_of(seed)
    if kind is Kind.CUT:
        return blob[: dice.randrange(HEADER_BYTES, len(blob))]
    block = {
        Kind.HEADER: range(HEADER_BYTES),
        Kind.RESERVATIONS: tree.reservations,
        Kind.STRUCTURE: tree.structure,
        Kind.STRINGS: tree.strings,
    }[kind]
    places: List[int] = []
    while not places or not _leaves_console_or_arguments(base_of(seed).uart, tree, places):
        places = [dice.choice(block) for _ in range(dice.randint(1, MOST_CHANGES))]
    damaged = bytearray(blob)
    for at in places:
        damaged[at] ^= 1 << dice.randrange(8) if dice.randrange(2) else dice.randrange(1, 256)
    return bytes(damaged)


def _parts_of_image(nm: Path, size: int) -> Dict[str, List[range]]:
    """Returns the parts of the Image of which no bit is used before its checksum is compared: nothing could
    promise a message if the code is damaged that compares it. The headers have no checksum, because loaders
    and signers write into them."""
    symbols = sorted(
        (int(address, 16), name)
        for address, _, name in (line.split(maxsplit=2) for line in nm.read_text().splitlines())
    )
    at = {name: address for address, name in symbols}
    start = at["_text"]
    tests = [
        range(address - start, after - start)
        for (address, name), (after, _) in zip(symbols, symbols[1:])
        if re.search(r"\d+selftest_\w+Ev$", name) and address < at["_etext"] and after > address
    ]
    return {
        "code": tests,
        "read-only data": [range(at["_percpu_template"] - start, at["_erodata"] - start)],
        "seal": [range(at["_image_seal"] - start, size)],
    }


def damaged_image(seed: int, image: bytes, nm: Path) -> Tuple[bytes, str]:
    """Returns the Image with the seed's damage, and what was done. `nm` is the output of nm for it."""
    dice = random.Random(seed)
    if kind_of(seed) is Kind.IMAGE_CUT:
        size = dice.randrange(FRONT_OF_IMAGE, len(image))
        return image[:size], f"{size} of {len(image)} bytes"
    part, ranges = dice.choice(sorted(_parts_of_image(nm, len(image)).items()))
    at = dice.choice(dice.choice(ranges))
    damaged = bytearray(image)
    damaged[at] ^= 1 << dice.randrange(8)
    return bytes(damaged), f"{part}, byte {at:#x}"
