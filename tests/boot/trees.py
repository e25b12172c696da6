# SPDX-License-Identifier: BSD-2-Clause
"""Machines that are described by a device tree of the tests. A row of the matrix names one of TREES (an edit
of QEMU's own tree of the row's `virt` machine) or a file in device_trees/. QEMU rewrites memory, PSCI and
boot arguments in a tree that it is given by -dtb. So an edited tree is loaded into memory unchanged, and
loader.S enters the Image with it.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, List

from frontdoor.machine import Machine, kernel_arguments
from frontdoor.paths import build_dir, elf, image
from frontdoor.qemu_probe import PROGRAM
from row import Row
from tree_text import TreeText

HERE = Path(__file__).resolve().parent
MIB = 1 << 20

RAM_AT = 0x4000_0000
LOADER_AT = RAM_AT + 0x8_0000  # where QEMU puts a raw kernel
TREE_AT = RAM_AT + 0x400_0000
IMAGE_AT = RAM_AT + 0x80_0000  # unless the row says otherwise; QEMU's own choice is 2 MiB
IMAGE_MAGIC_AT = 56  # arm64 boot protocol
IMAGE_MAGIC = b"ARM\x64"
PEN_TABLE = 0x800
PEN_SIZE = 0x2000

# Of the machine's 256 MiB, the 30 MiB before the last 2 MiB are in no bank, and two ranges of the last 2 MiB
# are reserved. The kernel allocates from the top: first the root tables, in the end more than the upper bank
# has. The reserved ranges, 16 KiB apart, are where these allocations would lie otherwise.
BANKS = ((0x4000_0000, 0x0E00_0000), (0x4FE0_0000, 0x0020_0000))
FIRMWARE = (0x4FF8_0000, 0x0008_0000)
SHARED = (0x4FF3_C000, 0x0004_0000)
HOLE = (0x4E00_0000, 0x01E0_0000)
PATTERN = b"\xa5"
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
        _smc_without_el3,
    )
}


def _whole(blob: bytes) -> bytes:
    return blob


def _replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def damage(blob: bytes) -> bytes:
        if blob.count(old) != 1:
            raise ValueError(f"the tree has {blob.count(old)} times {old!r}")
        return blob.replace(old, new)

    return damage


# What has happened to QEMU's tree since it was made. libfdt refuses all of it.
DAMAGED_TREES: Dict[str, Callable[[bytes], bytes]] = {
    "damaged_structure": _replaced(b"\0\0\0\1cpus\0", b"\0\0\0\x81cpus\0"),
    "damaged_magic": _replaced(b"\xd0\x0d\xfe\xed", b"\xd0\x0d\xfe\xec"),
}
NO_TREE = "none"  # x0 is 0


def _flipped_bit(data: bytes, row: Row) -> bytes:
    """Changes a bit in a self-test that does not run."""
    name = "selftest_demo_fails"
    listing = (build_dir(row.preset) / "percival.nm").read_text().splitlines()
    address = {name: int(at, 16) for at, _, name in (line.split(maxsplit=2) for line in listing)}
    found = [at for mangled, at in address.items() if name in mangled]
    at = found[0] - address["_text"]
    return data[:at] + bytes([data[at] ^ 0x20]) + data[at + 1 :]


# What has happened to the Image since it was made.
DAMAGED_IMAGES: Dict[str, Callable[[bytes, Row], bytes]] = {
    "half": lambda data, row: data[: len(data) // 2],
    "less_its_last_4_KiB": lambda data, row: data[:-4096],
    "flipped_bit": _flipped_bit,
}
PENNED = (
    *("spin_table", "spin_table_and_a_cpu_that_never_polls"),
    *("one_release_address", "wrong_release_addresses"),
)


def _qemus_own(row: Row, directory: Path) -> TreeText:
    """Returns the tree that QEMU makes for the row's machine, with the row's boot arguments in it."""
    machine = Machine(row.cpus, row.cpu, row.memory, row.machine)
    blob = directory / "qemu.dtb"
    subprocess.run(
        [
            *(PROGRAM, "-object", f"memory-backend-ram,id=ram,size={row.memory},reserve=off"),
            *("-machine", f"{machine.qemu_machine},memory-backend=ram,dumpdtb={blob}"),
            *("-cpu", machine.qemu_cpu, "-smp", str(row.cpus), "-m", row.memory),
            *("-nodefaults", "-display", "none"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    tree = TreeText.of_blob(blob)
    tree.add("chosen", f'bootargs = "{kernel_arguments((row.append,))}";')
    return tree


def _image_window(row: Row) -> int:
    """Returns the virtual address at which the kernel of the row's preset is linked: the entry of its ELF
    file."""
    return int.from_bytes(elf(row.preset).read_bytes()[24:32], "little")


def _assemble_loader(row: Row, directory: Path) -> Path:
    """Assembles loader.S for the row; returns the path of what QEMU loads."""
    tree_at = 0 if row.tree == NO_TREE else TREE_AT
    defines = [f"-DTREE_AT={tree_at:#x}", f"-DIMAGE_AT={row.image_at or IMAGE_AT:#x}", f"-DCPUS={row.cpus}"]
    if row.tree in PENNED:
        defines += [f"-DPEN_CPUS={row.cpus - 1}", f"-DPEN_TABLE={PEN_TABLE:#x}"]
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
    source = str(HERE / "loader.S")
    clang = ["clang-19", "--target=aarch64-none-elf", "-c", *defines, source, "-o", str(elf)]
    subprocess.run(clang, check=True)
    if row.group_1:
        # QEMU enters a linked ELF at EL3. For a raw kernel it sets the GIC up itself, as firmware would.
        linked = directory / "loader.elf"
        ld = ["aarch64-linux-gnu-ld", f"-Ttext={LOADER_AT:#x}", str(elf), "-o", str(linked)]
        subprocess.run(ld, check=True)
        return linked
    subprocess.run(["llvm-objcopy-19", "-O", "binary", str(elf), str(binary)], check=True)
    return binary


def _watched_memory(setup: Setup, row: Row, directory: Path) -> None:
    """Makes the machine's RAM a file and checks afterwards that the memory that the tree reserves or
    leaves out of its banks is unchanged."""
    memory = directory / "memory"
    size = int(row.memory[:-1]) * MIB
    with memory.open("wb") as file:
        file.truncate(size)
        for base, length in (FIRMWARE, SHARED, HOLE):
            file.seek(base - RAM_AT)
            file.write(PATTERN * length)
    setup.qemu += ["-object", f"memory-backend-file,id=watched,size={size},mem-path={memory},share=on"]
    setup.qemu += ["-machine", "memory-backend=watched"]

    def afterwards() -> List[str]:
        problems = []
        with memory.open("rb") as file:
            file.seek((row.image_at or IMAGE_AT) - RAM_AT + IMAGE_MAGIC_AT)
            if file.read(len(IMAGE_MAGIC)) != IMAGE_MAGIC:
                problems.append("the file is not the machine's memory: there is no Image in it")
            for what, (base, length) in {"no-map": FIRMWARE, "reserved": SHARED, "hole": HOLE}.items():
                file.seek(base - RAM_AT)
                if file.read(length) != PATTERN * length:
                    problems.append(f"the {what} memory at {base:#x} was written to")
        return problems

    setup.afterwards = afterwards


def prepare(row: Row, directory: Path) -> Setup:
    """Makes the files that the row's machine needs, in the directory."""
    setup = Setup()
    kernel = image(row.preset)
    if row.damage:
        damaged = directory / "Image"
        damaged.write_bytes(DAMAGED_IMAGES[row.damage](kernel.read_bytes(), row))
        kernel = damaged
    if not row.tree:
        setup.qemu += ["-kernel", str(kernel)] if row.damage else []
        return setup
    blob = directory / "machine.dtb"
    if row.tree.endswith(".dts"):
        TreeText((HERE / "device_trees" / row.tree).read_text()).compile(blob)
        setup.qemu += ["-dtb", str(blob)]
        return setup
    tree = _qemus_own(row, directory)
    TREES.get(row.tree, _as_it_is)(tree, row)
    tree.compile(blob)
    blob.write_bytes(DAMAGED_TREES.get(row.tree, _whole)(blob.read_bytes()))
    setup.qemu += ["-bios" if row.el == 3 else "-kernel", str(_assemble_loader(row, directory))]
    for file, at in ((blob, TREE_AT), (kernel, row.image_at or IMAGE_AT)):
        setup.qemu += ["-device", f"loader,file={file},addr={at:#x},force-raw=on"]
    if row.tree == "two_banks":
        _watched_memory(setup, row, directory)
    return setup
