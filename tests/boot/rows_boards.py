# SPDX-License-Identifier: BSD-2-Clause
"""Rows of boards, with the device trees of Debian's kernel package, and of kernels that U-Boot starts."""

from __future__ import annotations

from typing import Any, Dict, Tuple

from frontdoor.boards import BOARDS
from frontdoor.loaders import EXTLINUX, NETWORK, SCRIPT
from row import OF_MACHINE, Row
from rows_trees import RANDOM_HOTPLUG

PI_3 = r"^machine: Raspberry Pi 3 Model B, 4 of 4 CPUs, 9\d\d MiB "
PI_3_A = r"^machine: Raspberry Pi 3 Model A\+, 4 of 4 CPUs, 448 MiB "
PI_4 = r"^machine: Raspberry Pi 4 Model B, 4 of 4 CPUs, .*, GICv2, "
IMX8MP = r"^machine: NXP i.MX8MPlus EVK board, 4 of 4 CPUs, 6 GiB .*, GICv3, "
ZCU102 = r"^machine: ZynqMP ZCU102 Rev1.0, 4 of 4 CPUs, 2 GiB .*, GICv2, "
AT_EL2 = "^machine: .*, entered at EL2, runs at EL1$"


def _of(board: str) -> Dict[str, Any]:
    """Returns the columns of a board, which the front door's table says."""
    of = BOARDS[board]
    return {"cpus": of.cpus, "cpu": of.cpu, "memory": of.memory, "board": board}


def _passes(board: str, *shows: str, **columns: Any) -> Row:
    """Returns the row of a board whose self-tests pass, and whose CPUs come and go. A board that QEMU starts
    with the tree of Debian's kernel runs all of them."""
    name = f"passes_on_{board.replace('-', '_')}"
    name += f"_with_{columns['loader'].replace('-', '_')}" if "loader" in columns else ""
    name += f"_with_{columns['tree']}" if "tree" in columns else ""
    append = OF_MACHINE if "loader" in columns or "tree" in columns else ""
    return Row(name, append=append, shows=(*shows, RANDOM_HOTPLUG), **_of(board), **columns)


def ends(machine: str, columns: Dict[str, Any]) -> Tuple[Row, ...]:
    """Returns the rows of a machine whose kernel ends badly."""
    return (
        Row(
            f"a_panic_on_{machine}_exits_2",
            append="selftest=demo.panics",
            exit_code=2,
            checks=("panic_report", "backtrace_into_the_test"),
            **columns,
        ),
        Row(
            f"a_hang_on_{machine}_exits_3",
            append="selftest=demo.hangs selftest.timeout=2",
            exit_code=3,
            checks=("hang_report",),
            **columns,
        ),
    )


def _u_boot(el: int, gic: int, loader: str, append: str = OF_MACHINE) -> Row:
    """Returns the row of a kernel that U-Boot starts on QEMU's virt."""
    name = f"passes_through_{loader.replace('-', '_')}_at_el{el}_with_gicv{gic}"
    return Row(
        name,
        gic=gic,
        el=el,
        append=append,
        loader=loader,
        shows=(rf"^machine: .*, entered at EL{el}, runs at EL1$", RANDOM_HOTPLUG),
    )


U_BOOT: Tuple[Row, ...] = (
    _u_boot(1, 2, SCRIPT),
    _u_boot(1, 3, EXTLINUX),
    _u_boot(2, 2, EXTLINUX, append=""),
    _u_boot(2, 3, NETWORK),
    # U-Boot leaves the interrupts to the secure world, which has no firmware here. With the CPU `max` Debian
    # 12's U-Boot does not get so far.
    Row(
        "a_kernel_that_u_boot_starts_without_secure_firmware_panics",
        cpus=1,
        cpu="cortex-a72",
        board="virt,gic-version=3,secure=on,virtualization=on",
        append="selftest=roots.*",
        loader=EXTLINUX,
        exit_code=2,
        checks=(),
        shows=("^panic: interrupt controller: .*: the firmware has left them in Group 0$",),
    ),
)

BOARD_ROWS: Tuple[Row, ...] = (
    _passes("raspi3b", PI_3),
    _passes("raspi3b", PI_3, loader=SCRIPT),
    _passes("raspi3ap", PI_3_A),
    _passes("raspi4b", PI_4, "^console: 8250 at P:0xfe215040"),
    _passes("raspi4b", PI_4, "^console: PL011 at P:0xfe201000", tree="the_pl011_as_console"),
    _passes("raspi4b", PI_4, loader=EXTLINUX),
    _passes("imx8mp-evk", IMX8MP),
    _passes("xlnx-zcu102", ZCU102),
    Row(
        "passes_on_xlnx_versal_virt",
        append=OF_MACHINE,
        shows=("^machine: Xilinx Versal .*, 2 of 2 CPUs, ", AT_EL2),
        **_of("xlnx-versal-virt"),
    ),
    *ends("raspi3b", _of("raspi3b")),
    *ends("raspi4b", _of("raspi4b")),
    *ends("imx8mp_evk", _of("imx8mp-evk")),
    *ends("xlnx_zcu102", _of("xlnx-zcu102")),
    *ends("raspi4b_with_u_boot", {**_of("raspi4b"), "loader": EXTLINUX}),
    *ends("virt_with_u_boot", {"gic": 2, "el": 2, "loader": EXTLINUX}),
    *U_BOOT,
)
