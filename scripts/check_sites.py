#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks that every site of a this_cpu operation (arch/percpu/site.hpp) was linked as the kernel expects it.

    check_sites.py --as-linked local percival.elf percival.nm

The linker may have moved a load or store into a veneer for Cortex-A53's erratum 843419. The site is then a
branch to the veneer, and the kernel keeps that branch. The kernel takes every other unexpected instruction
for such a branch, so there must be none. In a build of restart mode alone, only the sequences may add to x18
(INV-restart-3). The .nm file holds the output of `nm` for the linked ELF.
"""

import argparse
import struct
import sys
from collections.abc import Callable
from typing import NamedTuple

import make_symbols

VENEER = "e843419@"  # GNU ld begins the name of such a veneer so
PT_LOAD = 1


class Memory:
    """The loaded segments of a 64-bit little-endian ELF file."""

    def __init__(self, elf: bytes):
        (table,) = struct.unpack_from("<Q", elf, 0x20)
        size, count = struct.unpack_from("<HH", elf, 0x36)
        self.segments: list[tuple[int, bytes]] = []
        for header in range(table, table + size * count, size):
            kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", elf, header)
            if kind == PT_LOAD:
                self.segments.append((address, elf[offset : offset + length]))

    def read(self, layout: str, address: int) -> tuple[int, ...]:
        """Unpacks the bytes at `address`. Raises an error if no segment has them."""
        for start, data in self.segments:
            if 0 <= address - start <= len(data) - struct.calcsize(layout):
                return struct.unpack_from(layout, data, address - start)
        raise make_symbols.Error(f"nothing is loaded at {address:#x}")

    def word(self, address: int) -> int:
        return self.read("<I", address)[0]


class Alternative(NamedTuple):
    """The fields of arch::Alternative. A distance is counted from the field that holds it."""

    site: int
    instruction: int
    result_is_unused: int
    llsc: int
    restart_instruction: int = 0  # from here on: not in a build of one mode
    restart_lse: int = 0
    restart_llsc: int = 0
    guarded_lse: int = 0
    guarded_llsc: int = 0
    fixup_lse: int = 0
    fixup_llsc: int = 0


LAYOUT = "<i2IiI6i"
LAYOUT_IN_LINE = "<i2Ii"
RESTARTABLE = "<iI"  # arch::Restartable
IN_LINE = "in-line-"  # begins the name of a build of one mode


class Site(NamedTuple):
    """A site, and the instruction that it must have."""

    address: int
    as_linked: int
    may_be_in_veneer: bool  # or the site branches to a veneer with that instruction


def branch(start: int, target: int) -> int:
    """Returns the B instruction at `start` that branches to `target`."""
    return 0x1400_0000 | (target - start) >> 2 & 0x03FF_FFFF


def layout(as_linked: str) -> str:
    """Returns the layout of an alternative in a build that is linked in this mode."""
    return LAYOUT_IN_LINE if as_linked.startswith(IN_LINE) else LAYOUT


def site_of(memory: Memory, entry: int, as_linked: str) -> Site:
    """Returns the site of the alternative at `entry`.

    The instruction is that of instruction_of(kPercpuFormAsLinked) (arch/arm64/percpu_modes/alternatives.cpp).
    `as_linked` is the mode of that form.
    """
    alternative = Alternative(*memory.read(layout(as_linked), entry))
    address = entry + alternative.site

    def branch_to(sequence: str) -> int:
        field = entry + 4 * Alternative._fields.index(sequence)
        return branch(address, field + getattr(alternative, sequence))

    if as_linked != "restart":
        if alternative.llsc == 0:
            return Site(address, alternative.instruction, True)
        return Site(address, branch_to("llsc"), False)
    return Site(address, alternative.restart_instruction or branch_to("restart_llsc"), False)


def is_right(site: Site, memory: Memory, veneers: list[int]) -> bool:
    """Returns whether the site has its instruction, or a branch to a veneer with it where that is allowed."""
    linked = memory.word(site.address)
    if linked == site.as_linked:
        return True
    targets = [veneer for veneer in veneers if linked == branch(site.address, veneer)]
    return site.may_be_in_veneer and any(memory.word(veneer) == site.as_linked for veneer in targets)


def places(addresses: list[int], listing: str, cxxfilt: str) -> list[str]:
    """Returns the addresses as function+offset. `listing` is the path of the output of nm."""
    if not addresses:
        return []
    functions, _ = make_symbols.functions(listing)
    text = make_symbols.address_of(make_symbols.read_nm(listing), make_symbols.TEXT_START, listing)
    around = [max(function for function in functions if text + function[0] <= at) for at in addresses]
    names = make_symbols.demangle([name for _, name in around], cxxfilt)
    return [
        f"{make_symbols.shorten(name)}+{at - text - start:#x}"
        for at, (start, _), name in zip(addresses, around, names)
    ]


def is_add_to_x18(instruction: int) -> bool:
    """Returns whether it is an ADD of two registers whose first operand is x18."""
    return instruction & 0xFFE0_FFE0 == 0x8B00_0240


def strange_adds(memory: Memory, address_of: Callable[[str], int], sites: list[Site]) -> list[int]:
    """Returns the addresses that break INV-restart-3 (arch/percpu_modes/restart.hpp).

    An exception takes an ADD to x18 for the beginning of a sequence, so no other word of the text may look
    like one, and each sequence must begin with one.
    """
    text = range(address_of(make_symbols.TEXT_START), address_of("_etext"), 4)
    found = {address for address in text if is_add_to_x18(memory.word(address))}
    begins = {site.address - 4 for site in sites}
    table = range(address_of("__start_restartable"), address_of("__stop_restartable"), 8)
    begins |= {entry + memory.read(RESTARTABLE, entry)[0] for entry in table}
    return sorted(found ^ begins)


def offences(elf: str, listing: str, as_linked: str, cxxfilt: str) -> list[str]:
    """Returns a message for each site that was linked wrongly. `elf` and `listing` are paths."""
    with open(elf, "rb") as file:
        memory = Memory(file.read())
    symbols = make_symbols.read_nm(listing)
    veneers = [address for address, _, name in symbols if name.startswith(VENEER)]

    def address_of(name: str) -> int:
        return make_symbols.address_of(symbols, name, listing)

    table = range(
        address_of("__start_alternatives"),
        address_of("__stop_alternatives"),
        struct.calcsize(layout(as_linked)),
    )
    sites = [site_of(memory, entry, as_linked) for entry in table]
    wrong = [site for site in sites if not is_right(site, memory, veneers)]
    found = []
    if as_linked == IN_LINE + "restart":
        strange = strange_adds(memory, address_of, sites)
        found += [
            f"the word at {place} adds to x18 and begins no restart sequence, or the reverse"
            for place in places(strange, listing, cxxfilt)
        ]
    for site, place in zip(wrong, places([site.address for site in wrong], listing, cxxfilt)):
        found.append(
            f"the this_cpu operation at {place} was linked as {memory.word(site.address):#010x}, "
            f"not as {site.as_linked:#010x}"
            + (" or a branch to a veneer with that" if site.may_be_in_veneer else "")
        )
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--as-linked",
        choices=["local", "restart", *(IN_LINE + mode for mode in ("restart", "fixup", "guarded"))],
        required=True,
        help="the mode of kPercpuFormAsLinked, and whether the build has no other",
    )
    parser.add_argument("--cxxfilt", default="llvm-cxxfilt-19", metavar="PROGRAM")
    parser.add_argument("elf", help="the linked image")
    parser.add_argument("listing", help="the output of nm for it")
    options = parser.parse_args()
    try:
        found = offences(options.elf, options.listing, options.as_linked, options.cxxfilt)
    except (make_symbols.Error, OSError) as error:
        found = [str(error)]
    for offence in found:
        print(f"check_sites: {offence}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
