# SPDX-License-Identifier: BSD-2-Clause
"""Tests that the kernel takes the same description of a machine from its ACPI tables as from its device tree:
EDK2 starts it on the same virt with either, and the boot argument machineinfo prints each field. Exit code
77: EDK2 is not there.

They may differ in what only one of them has:

- the names of the model;
- PCI hosts, which ACPI describes in AML;
- the ends of a GICv2's registers, of which ACPI has the addresses only;
- which pages the firmware keeps: what is free in both boots is on the same node, and it is nearly all.
"""

from __future__ import annotations

import re
import sys
import unittest
from pathlib import Path
from typing import Dict, List, Tuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from frontdoor.loaders import EDK2  # noqa: E402  (the path has to be set first)
from frontdoor.testing import skip_all  # noqa: E402
from row import TWO_NODES, Row  # noqa: E402
from run_row import percival, reason_to_skip  # noqa: E402

FIELD = re.compile(r"machineinfo: ([^:]+): (.*)")
BANK = re.compile(r"P:0x([0-9a-f]+) to P:0x([0-9a-f]+), node (\d+)")
NOT_OF_ACPI = ("model", "compatible", "PCI host")
WITHOUT_A_SIZE = ("distributor", "cpu interface")
MEMORY = 1 << 30
MOST_THAT_DIFFERS = MEMORY // 64

Bank = Tuple[int, int, int]


def machine(name: str, gic: int, el: int, acpi: str, qemu: Tuple[str, ...] = ()) -> Row:
    """Returns a virt with EDK2, with ACPI tables or with a tree."""
    options = ("-machine", f"acpi={acpi}", *qemu)
    return Row(name, gic=gic, el=el, loader=EDK2, append="machineinfo selftest.list", qemu=options)


def setUpModule() -> None:
    """Skips all, and says why."""
    reason = reason_to_skip(machine("any", 3, 1, "on"))
    if reason:
        skip_all(reason)


def fields_of(row: Row) -> Dict[str, List[str]]:
    """Boots the machine, and returns what it prints of its description, by field."""
    done = percival(("boot", *row.boot_arguments))
    print(done.stdout)
    fields: Dict[str, List[str]] = {}
    for line in done.stdout.splitlines():
        if match := FIELD.fullmatch(line):
            fields.setdefault(match[1], []).append(match[2])
    return fields


def banks(lines: List[str]) -> List[Bank]:
    """Returns base, end and node of each bank."""
    found = []
    for line in lines:
        bank = BANK.fullmatch(line)
        assert bank is not None, line
        found.append((int(bank[1], 16), int(bank[2], 16), int(bank[3])))
    return found


def in_both(one: List[Bank], other: List[Bank]) -> List[Tuple[int, int, int]]:
    """Returns the size of each range that is in both, and its nodes."""
    pieces = []
    for base, end, node in one:
        for other_base, other_end, other_node in other:
            size = min(end, other_end) - max(base, other_base)
            if size > 0:
                pieces.append((size, node, other_node))
    return pieces


class AcpiAndTreeTest(unittest.TestCase):
    """Each test boots a machine twice."""

    def compare(self, name: str, gic: int, qemu: Tuple[str, ...] = (), nodes: int = 1, el: int = 1) -> None:
        """Compares the descriptions of a machine field by field."""
        tables, tree = (fields_of(machine(name, gic, el, acpi, qemu)) for acpi in ("on", "off"))
        self.assertEqual((tables["compatible"], tree["compatible"]), (["acpi"], ["linux,dummy-virt"]))
        self.compare_memory(banks(tables.pop("memory")), banks(tree.pop("memory")), nodes)
        for fields in (tables, tree):
            for field in NOT_OF_ACPI:
                fields.pop(field, None)
            for field in WITHOUT_A_SIZE if gic == 2 else ():
                fields[field] = [line.partition(" to ")[0] for line in fields[field]]
        self.assertEqual(len(tables["cpu"]), 4)
        self.assertEqual(tables, tree)

    def compare_memory(self, one: List[Bank], other: List[Bank], nodes: int) -> None:
        """Compares on which node each piece of memory is."""
        pieces = in_both(one, other)
        self.assertEqual({node for _, node, _ in pieces}, set(range(nodes)))
        self.assertTrue(all(node == other_node for _, node, other_node in pieces), (one, other))
        common = sum(size for size, _, _ in pieces)
        for found in (one, other):
            differs = sum(end - base for base, end, _ in found) - common
            self.assertLess(differs, MOST_THAT_DIFFERS)

    def test_a_virt_with_a_gicv2_is_the_same_by_both(self) -> None:
        self.compare("gicv2", 2)

    def test_a_virt_with_a_gicv3_and_el2_is_the_same_by_both(self) -> None:
        self.compare("gicv3", 3, el=2)

    def test_a_virt_with_two_nodes_is_the_same_by_both(self) -> None:
        self.compare("nodes", 3, TWO_NODES, nodes=2)


if __name__ == "__main__":
    unittest.main()
