#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks that every site of a this_cpu operation (arch/percpu/site.hpp) was linked as the kernel expects it.

    check_sites.py --as-linked local percival.elf percival.nm

The linker may have moved a load or store into a veneer for Cortex-A53's erratum 843419. The site is then a
branch to the veneer, and the kernel keeps that branch. The kernel takes every other unexpected instruction
for such a branch, so there must be none. The .nm file holds the output of `nm` for the linked ELF.
"""

import argparse
import struct
import sys
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
    restart_instruction: int
    result_is_unused: int
    local_llsc: int
    restart_lse: int
    restart_llsc: int
    guarded_lse: int
    guarded_llsc: int
    fixup_lse: int
    fixup_llsc: int


LAYOUT = "<i3I7i"


class Site(NamedTuple):
    """A site, and the instruction that it must have."""

    address: int
    as_linked: int
    may_be_in_veneer: bool  # or the site branches to a veneer with that instruction


def branch(start: int, target: int) -> int:
    """Returns the B instruction at `start` that branches to `target`."""
    return 0x1400_0000 | (target - start) >> 2 & 0x03FF_FFFF


def site_of(memory: Memory, entry: int, local: bool) -> Site:
    """Returns the site of the alternative at `entry`.

    The instruction is that of instruction_of(kPercpuFormAsLinked) (arch/arm64/percpu_modes/alternatives.cpp).
    `local` is true if that form is in local mode.
    """
    alternative = Alternative(*memory.read(LAYOUT, entry))
    address = entry + alternative.site

    def branch_to(sequence: str) -> int:
        field = entry + 4 * Alternative._fields.index(sequence)
        return branch(address, field + getattr(alternative, sequence))

    if local:
        if alternative.local_llsc == 0:
            return Site(address, alternative.instruction, True)
        return Site(address, branch_to("local_llsc"), False)
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


def offences(elf: str, listing: str, local: bool, cxxfilt: str) -> list[str]:
    """Returns a message for each site that was linked wrongly. `elf` and `listing` are paths."""
    with open(elf, "rb") as file:
        memory = Memory(file.read())
    symbols = make_symbols.read_nm(listing)
    veneers = [address for address, _, name in symbols if name.startswith(VENEER)]
    first = make_symbols.address_of(symbols, "__start_alternatives", listing)
    end = make_symbols.address_of(symbols, "__stop_alternatives", listing)
    sites = [site_of(memory, entry, local) for entry in range(first, end, struct.calcsize(LAYOUT))]
    wrong = [site for site in sites if not is_right(site, memory, veneers)]
    if not wrong:
        return []

    found = []
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
        "--as-linked", choices=["local", "restart"], required=True, help="the mode of kPercpuFormAsLinked"
    )
    parser.add_argument("--cxxfilt", default="llvm-cxxfilt-19", metavar="PROGRAM")
    parser.add_argument("elf", help="the linked image")
    parser.add_argument("listing", help="the output of nm for it")
    options = parser.parse_args()
    try:
        found = offences(options.elf, options.listing, options.as_linked == "local", options.cxxfilt)
    except (make_symbols.Error, OSError) as error:
        found = [str(error)]
    for offence in found:
        print(f"check_sites: {offence}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
