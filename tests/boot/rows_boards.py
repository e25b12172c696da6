# SPDX-License-Identifier: BSD-2-Clause
"""Rows of boards, with the device trees of Debian's kernel package, and of kernels that U-Boot starts."""

from __future__ import annotations

from typing import Any, Tuple

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


def _board(name: str, board: str, **columns: Any) -> Row:
    """Returns a row of a board, with what the front door's table says of it."""
    of = BOARDS[board]
    return Row(name, cpus=of.cpus, cpu=of.cpu, memory=of.memory, board=board, **columns)


def _passes(board: str, machine: str, **columns: Any) -> Row:
    """Returns the row of a board whose self-tests pass, and whose CPUs come and go."""
    name = f"passes_on_{board.replace('-', '_')}"
    name += f"_with_{columns['loader'].replace('-', '_')}" if "loader" in columns else ""
    name += f"_with_{columns['tree']}" if "tree" in columns else ""
    return _board(name, board, append=OF_MACHINE, shows=(machine, RANDOM_HOTPLUG), **columns)


def _ends(board: str) -> Tuple[Row, ...]:
    """Returns the rows of a board whose kernel ends badly."""
    name = board.replace("-", "_")
    return (
        _board(
            f"a_panic_on_{name}_exits_2",
            board,
            append="selftest=demo.panics",
            exit_code=2,
            checks=("panic_report", "backtrace_into_the_test"),
        ),
        _board(
            f"a_hang_on_{name}_exits_3",
            board,
            append="selftest=demo.hangs selftest.timeout=2",
            exit_code=3,
            checks=("hang_report",),
        ),
    )


def _u_boot(el: int, gic: int, loader: str) -> Row:
    name = f"passes_through_{loader.replace('-', '_')}_at_el{el}_with_gicv{gic}"
    return Row(
        name,
        gic=gic,
        el=el,
        append="selftest=roots.*,percpu.*,linear_map.*",
        loader=loader,
        shows=(rf"^machine: .*, entered at EL{el}, runs at EL1$",),
    )


U_BOOT: Tuple[Row, ...] = (
    _u_boot(1, 2, SCRIPT),
    _u_boot(1, 3, EXTLINUX),
    _u_boot(2, 2, EXTLINUX),
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
    _passes("raspi4b", PI_4),
    _passes("raspi4b", PI_4, tree="the_pl011_as_console"),
    _passes("raspi4b", PI_4, loader=EXTLINUX),
    _passes("imx8mp-evk", IMX8MP),
    _passes("xlnx-zcu102", ZCU102),
    _board(
        "passes_on_xlnx_versal_virt",
        "xlnx-versal-virt",
        append=OF_MACHINE,
        shows=("^machine: Xilinx Versal .*, 2 of 2 CPUs, ", AT_EL2),
    ),
    *(row for board in ("raspi3b", "raspi4b", "imx8mp-evk", "xlnx-zcu102") for row in _ends(board)),
    *U_BOOT,
)
