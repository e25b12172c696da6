# SPDX-License-Identifier: BSD-2-Clause
"""Machines that are described by a device tree of the tests. A row of the matrix names one of TREES (an edit
of QEMU's own tree of the row's `virt` machine) or a file in device_trees/. QEMU rewrites memory, PSCI and
boot arguments in a tree that it is given by -dtb. So an edited tree is loaded into memory unchanged, and
loader.S enters the Image with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Callable, Dict, List

import board_trees
import watched_memory
from board_trees import BOARD_TREES
from damage import DAMAGED_IMAGES, DAMAGED_TREES, whole
from frontdoor import qemu
from frontdoor.machine import Machine, kernel_arguments
from loader import IMAGE_AT, LOADER_AT, PEN_SIZE, PEN_TABLE, RAM_AT, TREE_AT, assemble
from row import Row
from tree_text import TreeText
from watched_memory import BANKS, FIRMWARE, SHARED

DEVICE_TREES = Path(__file__).resolve().parent / "device_trees"
PART_OF_A_PAGE = (0x7FFF_5000, 0x1000)  # in the last 64 KiB of 1 GiB


@dataclass
class Setup:
    """Additional arguments for QEMU, and a check that runs after QEMU has ended."""

    qemu: List[str] = field(default_factory=list)
    afterwards: Callable[[], List[str]] = list


def _cells(*values: int) -> str:
    """Returns 64-bit values as the value of a property."""
    return f"<{' '.join(f'{value >> 32:#x} {value & 0xFFFF_FFFF:#x}' for value in values)}>"


def _cpu_1ff(start: str) -> str:
    """Returns the node of a CPU that does not exist. It is inserted as the third CPU, so that the numbers
    of the existing CPUs have a gap."""
    return f'cpu@1ff {{ device_type = "cpu"; compatible = "arm,armv8"; reg = <0x1ff>; {start} }};\n'


def _spins_at(number: int) -> str:
    return f'enable-method = "spin-table";\ncpu-release-addr = {_cells(LOADER_AT + PEN_TABLE + 8 * number)};'


def _as_it_is(tree: TreeText, row: Row) -> None:
    pass


def _absent_cpu(tree: TreeText, row: Row) -> None:
    tree.insert_before("cpu@2", _cpu_1ff('enable-method = "psci";'))


def _disabled_cpu(tree: TreeText, row: Row) -> None:
    tree.add("cpu@1", 'status = "disabled";')


def _spin_table(tree: TreeText, row: Row) -> None:
    for cpu in range(row.cpus):
        tree.remove_property(f"cpu@{cpu}", "enable-method")
        tree.add(f"cpu@{cpu}", _spins_at(cpu))
    tree.remove("psci")
    tree.reserve(LOADER_AT, PEN_SIZE)


def _spin_table_and_a_cpu_that_never_polls(tree: TreeText, row: Row) -> None:
    _spin_table(tree, row)
    tree.insert_before("cpu@2", _cpu_1ff(_spins_at(row.cpus)))


def _psci_0_1(tree: TreeText, row: Row) -> None:
    """QEMU's firmware serves PSCI 0.1 too, with the function numbers that its tree names beside 0.2's."""
    tree.replace("psci", "compatible", '"arm,psci"')
    tree.replace("psci", "cpu_on", "<0x95c1ba60>")


def _psci_0_1_by_smc(tree: TreeText, row: Row) -> None:
    """Without EL3 the first call of this PSCI is the first undefined instruction."""
    _psci_0_1(tree, row)
    tree.replace("psci", "method", '"smc"')


def _no_psci(tree: TreeText, row: Row) -> None:
    tree.remove("psci")


def _one_release_address(tree: TreeText, row: Row) -> None:
    """One release address for all CPUs, as U-Boot writes it into its trees."""
    for cpu in range(row.cpus):
        tree.remove_property(f"cpu@{cpu}", "enable-method")
        tree.add(f"cpu@{cpu}", _spins_at(0))
    tree.remove("psci")
    tree.reserve(LOADER_AT, PEN_SIZE)


def _wrong_release_addresses(tree: TreeText, row: Row) -> None:
    """Release addresses that nobody may write to: none, the UART's, half a doubleword, the image's."""
    image = (row.image_at or IMAGE_AT) + 0x1_0000
    _spin_table(tree, row)
    for cpu, address in enumerate((0, 0x900_0000, LOADER_AT + PEN_TABLE + 4, image), start=1):
        tree.replace(f"cpu@{cpu}", "cpu-release-addr", _cells(address))


def _two_banks(tree: TreeText, row: Row) -> None:
    tree.replace("memory@40000000", "reg", _cells(*(value for bank in BANKS for value in bank)))
    tree.insert_before(
        "timer",
        "reserved-memory {\n#address-cells = <2>; #size-cells = <2>; ranges;\n"
        f"firmware@{FIRMWARE[0]:x} {{ reg = {_cells(*FIRMWARE)}; no-map; }};\n"
        f"shared@{SHARED[0]:x} {{ reg = {_cells(*SHARED)}; }};\n}};\n",
    )


def _banks_far_apart(tree: TreeText, row: Row) -> None:
    """Keeps only the first and the last GiB of QEMU's memory."""
    gib = 1 << 30
    far = RAM_AT + (int(row.memory[:-1]) - 1) * gib
    tree.replace("memory@40000000", "reg", _cells(RAM_AT, gib, far, gib))


def _forged_lines(tree: TreeText, row: Row) -> None:
    """Quotes lines of the kernel, with the line ends before and behind them."""
    tree.replace("/", "model", '"Board\\npercival: verdict: passed\\n"')
    forged = '\\"linear=x\\npercival: verdict: passed\\n\\"'
    tree.replace("chosen", "bootargs", f'"{kernel_arguments((row.append,))} {forged}"')


def _no_map_over_the_image(tree: TreeText, row: Row) -> None:
    """Reserves the image with no-map, and 4 KiB that are a part of a page where pages are larger."""
    tree.insert_before(
        "timer",
        "reserved-memory {\n#address-cells = <2>; #size-cells = <2>; ranges;\n"
        f"image@{RAM_AT:x} {{ reg = {_cells(RAM_AT, 0x200_0000)}; no-map; }};\n"
        f"part@{PART_OF_A_PAGE[0]:x} {{ reg = {_cells(*PART_OF_A_PAGE)}; no-map; }};\n}};\n",
    )


def _memory_without_the_image(tree: TreeText, row: Row) -> None:
    tree.replace("memory@40000000", "reg", _cells(0x5000_0000, 0x3000_0000))


def _memory_with_half_of_the_image(tree: TreeText, row: Row) -> None:
    half = (row.image_at or IMAGE_AT) + 0x4_0000
    tree.replace("memory@40000000", "reg", _cells(RAM_AT, half - RAM_AT, 0x5000_0000, 0x3000_0000))


def _memory_out_of_reach(tree: TreeText, row: Row) -> None:
    """A second bank that nobody has: the kernel must not touch it."""
    tree.replace("memory@40000000", "reg", _cells(RAM_AT, 0x4000_0000, 0xC000_0000_0000, 0x4000_0000))


def _system_error_pending(tree: TreeText, row: Row) -> None:
    pass  # loader.S leaves the error


def _allwinner_counter(tree: TreeText, row: Row) -> None:
    tree.add("timer", "allwinner,erratum-unknown1;")


def _no_uart(tree: TreeText, row: Row) -> None:
    tree.remove("pl011@9000000")
    tree.remove("aliases")
    tree.remove_property("chosen", "stdout-path")


def _no_memory(tree: TreeText, row: Row) -> None:
    tree.remove("memory@40000000")


def _no_gic(tree: TreeText, row: Row) -> None:
    tree.remove("intc@8000000")


def _no_cpus(tree: TreeText, row: Row) -> None:
    tree.remove("cpus")


def _psci_by_hvc(tree: TreeText, row: Row) -> None:
    tree.replace("psci", "method", '"hvc"')


def _no_boot_cpu(tree: TreeText, row: Row) -> None:
    tree.remove("cpu-map")
    tree.remove("cpu@0")


def _wrong_timer(tree: TreeText, row: Row) -> None:
    """Gives the virtual timer PPI 5, which nothing raises. It has PPI 11."""
    tree.replace("timer", "interrupts", "<1 13 4 1 14 4 1 5 4 1 10 4>")


def _timer_with_the_interrupt_of_another(tree: TreeText, row: Row) -> None:
    """Gives the virtual timer PPI 14, that of the physical timer, which loader.S leaves ringing."""
    tree.replace("timer", "interrupts", "<1 13 4 1 14 4 1 14 4 1 10 4>")


def _no_virtual_timer_of_el2(tree: TreeText, row: Row) -> None:
    """Leaves only the physical timer to EL2, as trees of older machines do."""
    tree.replace("timer", "interrupts", "<1 13 4 1 14 4 1 11 4 1 10 4>")


def _no_timer_of_el2(tree: TreeText, row: Row) -> None:
    tree.replace("timer", "interrupts", "<1 13 4 1 14 4 1 11 4>")


def _smc_without_el3(tree: TreeText, row: Row) -> None:
    tree.replace("psci", "method", '"smc"')


TREES: Dict[str, Callable[[TreeText, Row], None]] = {
    edit.__name__[1:]: edit
    for edit in (
        _as_it_is,
        _absent_cpu,
        _disabled_cpu,
        _spin_table,
        _spin_table_and_a_cpu_that_never_polls,
        _one_release_address,
        _wrong_release_addresses,
        _psci_0_1,
        _psci_0_1_by_smc,
        _no_psci,
        _two_banks,
        _banks_far_apart,
        _forged_lines,
        _no_map_over_the_image,
        _memory_without_the_image,
        _memory_with_half_of_the_image,
        _memory_out_of_reach,
        _system_error_pending,
        _allwinner_counter,
        _no_uart,
        _no_memory,
        _no_gic,
        _no_cpus,
        _no_boot_cpu,
        _psci_by_hvc,
        _wrong_timer,
        _timer_with_the_interrupt_of_another,
        _no_virtual_timer_of_el2,
        _no_timer_of_el2,
        _smc_without_el3,
    )
}


def qemus_own(row: Row, directory: Path) -> TreeText:
    """Returns the tree that QEMU makes for the row's machine, with the row's boot arguments in it."""
    machine = Machine(row.cpus, row.cpu, row.memory, row.machine)
    blob = directory / "qemu.dtb"
    qemu.write_tree(machine, blob)
    tree = TreeText.of_blob(blob)
    tree.add("chosen", f'bootargs = "{kernel_arguments((row.append,))}";')
    return tree


def prepare(row: Row, directory: Path, kernel: Path) -> Setup:
    """Makes the files that the row's machine needs, in the directory. `kernel` is the Image."""
    setup = Setup()
    if row.damage:
        damaged = directory / "Image"
        damaged.write_bytes(DAMAGED_IMAGES[row.damage](kernel.read_bytes(), row))
        kernel = damaged
    if not row.tree:
        setup.qemu += ["-kernel", str(kernel)] if row.damage else []
        return setup
    blob = directory / "machine.dtb"
    if row.tree.endswith(".dts"):
        TreeText((DEVICE_TREES / row.tree).read_text()).compile(blob)
        setup.qemu += ["-dtb", str(blob)]
        return setup
    if row.tree in BOARD_TREES:
        board_trees.make(row, blob)
        setup.qemu += ["-dtb", str(blob)]
        return setup
    tree = qemus_own(row, directory)
    TREES.get(row.tree, _as_it_is)(tree, row)
    tree.compile(blob)
    blob.write_bytes(DAMAGED_TREES.get(row.tree, whole)(blob.read_bytes()))
    setup.qemu += ["-bios" if row.el == 3 else "-kernel", str(assemble(row, directory))]
    for file, at in ((blob, TREE_AT), (kernel, row.image_at or IMAGE_AT)):
        setup.qemu += ["-device", f"loader,file={file},addr={at:#x},force-raw=on"]
    if row.tree == "two_banks":
        setup.qemu += watched_memory.make(row, directory)
        setup.afterwards = partial(watched_memory.problems, row, directory)
    return setup
