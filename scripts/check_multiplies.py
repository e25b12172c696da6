#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks that an image is safe from Cortex-A53's erratum 835769.

    check_multiplies.py --cxxfilt llvm-cxxfilt-19 percival.elf percival.nm

On Cortex-A53 up to r0p4 a 64-bit multiply-accumulate (MADD, MSUB, SMADDL, SMSUBL, UMADDL, UMSUBL with an
accumulator other than XZR) may give a wrong result if the instruction before it is a load, a store or a
prefetch. It is safe if it uses a register that the load writes. The compiler separates such pairs by a NOP;
the linker moves the multiplication of a pair in assembly or in a library into a veneer. No pair may be left
in the linked image. A site of a this_cpu operation counts as a memory access, whatever is linked there.
"""

import argparse
import struct
import sys
from typing import Iterator, NamedTuple, Set

import check_sites
import make_symbols

CODE_IN_SECTION = 0x4  # SHF_EXECINSTR
SYMTAB = 2  # SHT_SYMTAB
ZERO_REGISTER = 31


class Section(NamedTuple):
    """The fields of an Elf64_Shdr that are used here."""

    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int


def sections(elf: bytes) -> list[Section]:
    (table,) = struct.unpack_from("<Q", elf, 0x28)
    size, count = struct.unpack_from("<HH", elf, 0x3A)
    return [
        Section(*struct.unpack_from("<4xIQQQQI", elf, header))
        for header in range(table, table + size * count, size)
    ]


def mapping_symbols(elf: bytes, index: int) -> list[tuple[int, bool]]:
    """Returns where code and data begin in the section, as (address, is code), in order."""
    found = []
    headers = sections(elf)
    for table in headers:
        if table.kind != SYMTAB:
            continue
        names = headers[table.link].offset
        for at in range(table.offset, table.offset + table.size, 24):
            name, section, address = struct.unpack_from("<I2xHQ", elf, at)
            text = elf[names + name : names + name + 2]
            if section == index and text in (b"$x", b"$d"):
                found.append((address, text == b"$x"))
    return sorted(found)


def code(elf: bytes) -> Iterator[tuple[int, int]]:
    """Yields the address and the word of every instruction, in order."""
    for index, section in enumerate(sections(elf)):
        if not section.flags & CODE_IN_SECTION or section.size == 0:
            continue
        end = section.address + section.size
        starts = mapping_symbols(elf, index) + [(end, False)]
        for (start, is_code), (stop, _) in zip(starts, starts[1:]):
            if is_code:
                for address in range(start, stop - 3, 4):
                    (word,) = struct.unpack_from("<I", elf, section.offset + address - section.address)
                    yield address, word


def bits(word: int, high: int, low: int) -> int:
    return word >> low & (1 << high - low + 1) - 1


def accumulates(word: int) -> bool:
    """Returns whether the word is a 64-bit multiply-accumulate with an accumulator."""
    is_multiply = bits(word, 31, 24) == 0x9B and bits(word, 23, 21) in (0, 1, 5)
    return is_multiply and bits(word, 14, 10) != ZERO_REGISTER


def accesses_memory(word: int) -> bool:
    """Returns whether the word is in the group of loads and stores, in which prefetches are too."""
    return word & 0x0A00_0000 == 0x0800_0000


def loaded_registers(word: int) -> Set[int]:
    """Returns the general registers that a load writes with what it loads. Empty for what is not surely a
    load."""
    if bits(word, 26, 26):  # SIMD
        return set()
    first, second = bits(word, 4, 0), bits(word, 14, 10)
    group = bits(word, 29, 27)
    if group == 0b101:
        return {first, second} if bits(word, 22, 22) else set()
    if group == 0b011 and bits(word, 25, 24) == 0:  # literal; opc 3 is PRFM
        return {first} if bits(word, 31, 30) != 3 else set()
    if group == 0b111:
        prefetches = bits(word, 31, 30) == 3 and bits(word, 23, 22) == 2
        return {first} if bits(word, 23, 22) != 0 and not prefetches else set()
    return set()


def is_hazard(before: int, word: int, is_site: bool) -> bool:
    """Returns whether `word` directly after `before` is the erratum's pair."""
    if not accumulates(word) or not (is_site or accesses_memory(before)):
        return False
    uses = {bits(word, 9, 5), bits(word, 20, 16), bits(word, 14, 10)}
    return is_site or not uses & loaded_registers(before)


def site_addresses(elf: bytes, listing: str) -> Set[int]:
    symbols = make_symbols.read_nm(listing)
    memory = check_sites.Memory(elf)
    first = make_symbols.address_of(symbols, "__start_alternatives", listing)
    end = make_symbols.address_of(symbols, "__stop_alternatives", listing)
    size = struct.calcsize(check_sites.LAYOUT)
    return {entry + memory.read("<i", entry)[0] for entry in range(first, end, size)}


def hazards(elf: bytes, sites: Set[int]) -> list[int]:
    """Returns the addresses of the multiplications that the erratum affects. `sites` are the addresses of
    this_cpu operations."""
    found = []
    before, word_before = -4, 0
    for address, word in code(elf):
        if address == before + 4 and is_hazard(word_before, word, before in sites):
            found.append(address)
        before, word_before = address, word
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cxxfilt", default="llvm-cxxfilt-19", metavar="PROGRAM")
    parser.add_argument("elf", help="the linked image")
    parser.add_argument("listing", help="the output of nm for it")
    options = parser.parse_args()
    try:
        with open(options.elf, "rb") as file:
            elf = file.read()
        if not any(accumulates(word) for _, word in code(elf)):
            raise make_symbols.Error(f"{options.elf} has no multiply-accumulate at all: is it the kernel?")
        found = hazards(elf, site_addresses(elf, options.listing))
        places = check_sites.places(found, options.listing, options.cxxfilt)
    except (make_symbols.Error, OSError) as error:
        print(f"check_multiplies: {error}", file=sys.stderr)
        return 1
    for place in places:
        print(f"check_multiplies: erratum 835769 affects the multiplication at {place}", file=sys.stderr)
    return 1 if places else 0


if __name__ == "__main__":
    sys.exit(main())
