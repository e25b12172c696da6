# SPDX-License-Identifier: BSD-2-Clause
"""Assembles loader.S, which enters the Image with a device tree of the tests, and says where in memory it
expects the Image and the tree.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from frontdoor.paths import elf
from row import Row

SOURCE = Path(__file__).resolve().parent / "loader.S"

RAM_AT = 0x4000_0000
LOADER_AT = RAM_AT + 0x8_0000  # where QEMU puts a raw kernel
TREE_AT = RAM_AT + 0x400_0000
IMAGE_AT = RAM_AT + 0x80_0000  # unless the row says otherwise; QEMU's own choice is 2 MiB
PEN_TABLE = 0x800
PEN_SIZE = 0x2000
NO_TREE = "none"  # x0 is 0
# The trees whose CPUs wait in loader.S for their release address.
PENNED = (
    *("spin_table", "spin_table_and_a_cpu_that_never_polls"),
    *("one_release_address", "wrong_release_addresses"),
)


def _image_window(row: Row) -> int:
    """Returns the virtual address at which the kernel of the row's preset is linked: the entry of its ELF
    file."""
    return int.from_bytes(elf(row.preset).read_bytes()[24:32], "little")


def assemble(row: Row, directory: Path) -> Path:
    """Assembles loader.S for the row; returns the path of what QEMU loads."""
    tree_at = 0 if row.tree == NO_TREE else TREE_AT
    defines = [f"-DTREE_AT={tree_at:#x}", f"-DIMAGE_AT={row.image_at or IMAGE_AT:#x}", f"-DCPUS={row.cpus}"]
    if row.tree in PENNED:
        defines += [f"-DPEN_CPUS={row.cpus - 1}", f"-DPEN_TABLE={PEN_TABLE:#x}"]
    if row.penned_at_el1:
        defines.append("-DPEN_AT_EL1")
    if row.tree == "one_release_address":
        defines.append("-DPEN_SHARED")
    if row.tree == "system_error_pending":
        defines += ["-DSYSTEM_ERROR"]
    if row.leftovers:
        defines += ["-DLEFTOVERS", f"-DWATCHED={_image_window(row):#x}"]
    if row.interrupts_left:
        defines += [f"-DLEFT_GIC={row.gic}"]
    if row.group_1:
        defines += [f"-DGROUP_1={','.join(f'{word:#x}' for word in row.group_1)}"]
    elf, binary = directory / "loader.o", directory / "loader.bin"
    clang = ["clang-19", "--target=aarch64-none-elf", "-c", *defines, str(SOURCE), "-o", str(elf)]
    subprocess.run(clang, check=True)
    if row.group_1:
        # QEMU enters a linked ELF at EL3. For a raw kernel it sets the GIC up itself, as firmware would.
        linked = directory / "loader.elf"
        ld = ["aarch64-linux-gnu-ld", f"-Ttext={LOADER_AT:#x}", str(elf), "-o", str(linked)]
        subprocess.run(ld, check=True)
        return linked
    subprocess.run(["llvm-objcopy-19", "-O", "binary", str(elf), str(binary)], check=True)
    return binary
