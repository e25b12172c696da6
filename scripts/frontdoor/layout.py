# SPDX-License-Identifier: BSD-2-Clause
"""`percival layout`: prints the kernel's address space from the constants of mm/address_space/layout.hpp.
It compiles them for the host and boots nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Tuple

from frontdoor.build import PRESETS_FILE, check_kernel_preset
from frontdoor.errors import BuildFailed, Unavailable
from frontdoor.paths import ROOT

COMPILER = "clang++-19"
SOURCE = ROOT / "scripts" / "print_layout.cpp"
CONSTANTS = ("PERCIVAL_GRANULE_KIB", "PERCIVAL_VA_BITS")
SHADOW_OPTION = "PERCIVAL_PERCPU_SHADOW"

LOCAL = "local percpu"
GLOBAL = "global percpu"
FOLDED = "folded linear"
LOCAL_SHADOW = "local shadow"
# How the roots show these regions. All other regions are shared.
OWNERS = {
    GLOBAL: "shared: a slab for each CPU",
    LOCAL: "own: the CPU's slab",
    LOCAL_SHADOW: "own: the slab's shadow",
    FOLDED: "shared, on CPUs of 48 bits",
}
HEADINGS = ("region", "base", "last", "size", "root entries", "in each root")
BOX = 22
CLOSING = "&counter is the same address on both; adrp + ldadd is the whole operation."


@dataclass(frozen=True)
class Region:
    """A range of addresses, and the entries of the root table that it lies in."""

    name: str
    base: int
    size: int
    first_entry: int
    last_entry: int

    @property
    def last(self) -> int:
        """The region's last address."""
        return self.base + self.size - 1


@dataclass(frozen=True)
class Layout:
    """The address space of one preset, with regions in ascending order. `window` holds the first entry of
    local percpu in a table of `private_level`, and the number of its entries."""

    granule_kib: int
    va_bits: int
    root_level: int
    private_level: int
    window: Tuple[int, int]
    regions: Tuple[Region, ...]

    def region(self, name: str) -> Region:
        """Returns the region called `name`."""
        return next(region for region in self.regions if region.name == name)


def constants(preset: str) -> Dict[str, str]:
    """Returns the variables that a preset sets, itself or through the presets that it inherits from."""
    presets = {entry["name"]: entry for entry in json.loads(PRESETS_FILE.read_text())["configurePresets"]}
    found: Dict[str, str] = {}
    name = preset
    while name:
        found = {**presets[name].get("cacheVariables", {}), **found}
        name = presets[name].get("inherits", "")
    return found


def _compiled(granule_kib: str, va_bits: str, has_shadow: bool) -> str:
    """Compiles and runs the program that prints the constants, and returns its output."""
    compiler = shutil.which(COMPILER)
    if compiler is None:
        raise Unavailable(f"{COMPILER} is missing; './percival setup' installs it")
    with tempfile.TemporaryDirectory(prefix="percival-") as name:
        program = Path(name) / "print_layout"
        definitions = [f"-D{key}={value}" for key, value in zip(CONSTANTS, (granule_kib, va_bits))]
        definitions += [f"-D{SHADOW_OPTION}=1"] if has_shadow else []
        command = [compiler, "-std=c++23", "-O0", *definitions, f"-I{ROOT}", str(SOURCE), "-o", str(program)]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise BuildFailed(f"{SOURCE} could not be compiled:\n{done.stderr}")
        return subprocess.run([str(program)], stdout=subprocess.PIPE, text=True, check=True).stdout


def read(preset: str) -> Layout:
    """Reads the layout of a preset."""
    check_kernel_preset(preset)
    granule_kib, va_bits = (constants(preset)[name] for name in CONSTANTS)
    has_shadow = constants(preset).get(SHADOW_OPTION) == "ON"
    first, *rest = [line.split("\t") for line in _compiled(granule_kib, va_bits, has_shadow).splitlines()]
    root_level, private_level, window, entries = map(int, first)
    regions = tuple(Region(fields[0], *map(int, fields[1:])) for fields in rest)
    return Layout(int(granule_kib), int(va_bits), root_level, private_level, (window, entries), regions)


def size_text(size: int) -> str:
    """Returns a size in the largest unit in which it is a whole number."""
    units = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
    unit = 0
    while size % 1024 == 0 and unit + 1 < len(units):
        size //= 1024
        unit += 1
    return f"{size} {units[unit]}"


def _entries(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"


def _table(layout: Layout) -> List[str]:
    rows = [HEADINGS]
    for region in layout.regions:
        entries = _entries(region.first_entry, region.last_entry)
        owner = OWNERS.get(region.name, "shared")
        addresses = (f"{region.base:#x}", f"{region.last:#x}")
        rows.append((region.name, *addresses, size_text(region.size), entries, owner))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def _window(layout: Layout) -> str:
    first, count = layout.window
    levels = (
        f"a table of its own at level {layout.root_level}, the root"
        if layout.root_level == layout.private_level
        else f"tables of its own at levels {layout.root_level} (the root) to {layout.private_level}"
    )
    entries = "entry" if count == 1 else "entries"
    return (
        f"Each CPU has {levels}; local percpu is {entries} {_entries(first, first + count - 1)} "
        f"at level {layout.private_level}."
    )


def _boxes(left: str, between: str, right: str, after: str = "") -> str:
    return f"{left:<{BOX + 2}}{between:^16}{right}{after}".rstrip()


def _picture(layout: Layout) -> List[str]:
    """Draws the roots of two CPUs, with a line for each region."""
    edge = "+" + "-" * BOX + "+"
    names = [region.name for region in layout.regions]
    lines = [
        _boxes("CPU 0's root", "", "CPU 1's root"),
        _boxes(edge, "", edge),
    ]
    for region in layout.regions:
        if region.name in (LOCAL, LOCAL_SHADOW):
            target = "slab" if region.name == LOCAL else "shadow"
            own = f"| {region.name} " + "-" * (BOX - len(region.name) - 2) + f"+-> {target} "
            only = "   the only difference" if LOCAL_SHADOW not in names else ""
            lines.append(f"{own}0".ljust(BOX + 18) + f"{own}1{only}")
        elif region.name != FOLDED:
            cell = f"| {region.name:<{BOX - 1}}|"
            lines.append(_boxes(cell, "---- shared ----", cell))
    base, slab = layout.region(GLOBAL).base, layout.region(LOCAL).size
    return [
        *lines,
        _boxes(edge, "", edge),
        f"slab 0 lies at {base:#x} in {GLOBAL}, slab 1 at {base + slab:#x}.",
        CLOSING,
    ]


def text(layout: Layout) -> str:
    """Returns the output of the command."""
    title = f"{layout.granule_kib} KiB granule, {layout.va_bits} bit addresses"
    return "\n".join([title, "", *_table(layout), "", _window(layout), "", *_picture(layout)]) + "\n"


def layout(preset: str) -> int:
    """Runs the command and returns its exit code."""
    print(text(read(preset)), end="")
    return 0
