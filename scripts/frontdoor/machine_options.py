# SPDX-License-Identifier: BSD-2-Clause
"""The options of a machine and its boot, and the run that they describe."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import List, Optional, Tuple

from frontdoor import boards, boot, build, loaders
from frontdoor.argument_parser import cpu_counts, seconds
from frontdoor.errors import FrontDoorError
from frontdoor.machine import MAX_CPUS, MAX_CPUS_GICV2, Machine, of_board

DEFAULT = Machine()
BENCH_CPU = "neoverse-n1"  # that of Linux's figures


def _kernel_presets() -> List[str]:
    try:
        return [name for name in build.presets() if name != build.HOST_PRESET]
    except FrontDoorError:
        return [build.DEFAULT_PRESET]


def add_preset(parser: argparse.ArgumentParser, what: str) -> None:
    """Adds the option that names a build of the kernel. `what` says what it is for."""
    parser.add_argument(
        "--preset",
        default=build.DEFAULT_PRESET,
        metavar="P",
        help=f"{what}, one of: {', '.join(_kernel_presets())} (default: %(default)s)",
    )


def add_machine(parser: argparse.ArgumentParser, cpu: str, *, measures: bool = False) -> None:
    """Adds the options of the machine and the boot, which all commands that boot share."""
    parser.add_argument(
        "--cpus",
        type=cpu_counts if measures else int,
        metavar="LIST" if measures else "N",
        dest="cpu_counts" if measures else "cpus",
        help=("numbers of CPUs, as 1,4,8, each " if measures else "number of CPUs, ")
        + f"1 to {MAX_CPUS}, with a GICv2 to {MAX_CPUS_GICV2} (default: {DEFAULT.cpus}, or the board's)",
    )
    parser.add_argument("--cpu", metavar="MODEL", help=f"QEMU's CPU model (default: {cpu}, or the board's)")
    parser.add_argument(
        "--memory",
        metavar="SIZE",
        help=f"memory with a unit: M for MiB, G for GiB, T for TiB (default: {DEFAULT.memory}, or the "
        "board's). QEMU writes it into the device tree, as firmware does",
    )
    parser.add_argument(
        "--virtio-mem",
        default="",
        metavar="SIZE",
        help="add a virtio-mem device, by which the memory of virt grows by up to SIZE and shrinks again at "
        "run time. QEMU's monitor asks for that: qom-set virtio-mem requested-size 64M",
    )
    parser.set_defaults(cpu_of_virt=cpu)
    parser.add_argument(
        "--machine",
        default=DEFAULT.machine,
        metavar="M",
        help="QEMU's -machine value, such as virt,gic-version=2 or virt,virtualization=on, which "
        "enters the kernel at EL2 (default: %(default)s, with gic-version=3), or a board: "
        + ", ".join(boards.BOARDS),
    )
    parser.add_argument(
        "--dtb",
        type=Path,
        metavar="FILE",
        help="the machine's device tree. The boards above have the one of Debian's kernel package, and "
        "virt has QEMU's",
    )
    parser.add_argument(
        "--loader",
        choices=loaders.LOADERS,
        help="start the kernel through U-Boot, on virt and on Raspberry Pis: from a disk with extlinux.conf, "
        "from one with a script, by network (virt only), or as a UEFI application; or, on virt only, through "
        "EDK2, which is UEFI firmware: directly, or from a disk with GRUB, which loads the kernel as it "
        "loads Linux, by chainloader, or with QEMU's device tree beside the firmware's tables",
    )
    if measures:
        parser.set_defaults(card=None, cpus=None)
    else:
        parser.add_argument(
            "--card",
            type=Path,
            metavar="FILE",
            help="boot this image, which percival image makes: that of an SD card through U-Boot, that of a "
            f"disk or CD-ROM with --loader {loaders.EDK2}. Its kernel and its boot arguments count; with "
            "verdict=semihosting in these, every board's run ends",
        )
        parser.add_argument(
            "--icount",
            action="store_true",
            help="count instructions, not time (-icount shift=0,sleep=off): deterministic, one host CPU",
        )
    add_preset(parser, "the build to boot")
    parser.add_argument(
        "--append",
        action="append",
        default=[],
        metavar="ARGS",
        help="boot arguments for the kernel, which percival boot --help lists; may be given several times. "
        "verdict=poweroff ends the machine by PSCI instead of semihosting, and verdict=reset resets it",
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        metavar="S",
        help="seconds after which the run counts as hung, 0 for never (default: 180 + 5 for each CPU + "
        "a 40th of the square of their number, doubled under icount; none with a debugger)",
    )
    parser.add_argument("--no-build", action="store_true", help="boot the existing build, without set-up")
    parser.add_argument(
        "--qemu-arg",
        action="append",
        default=[],
        metavar="ARG",
        help="one more argument for QEMU, as --qemu-arg=-d; may be given several times",
    )


def run_of(
    args: argparse.Namespace,
    extra_append: Tuple[str, ...] = (),
    *,
    debugger: bool = False,
    icount: Optional[bool] = None,
) -> boot.Run:
    """Returns the run that the options describe. `extra_append` are boot arguments that come first. With a
    debugger there is no time limit unless the user gives one."""
    machine = of_board(
        args.machine,
        args.cpus,
        args.cpu,
        args.memory,
        cpu_of_virt=args.cpu_of_virt,
        icount=args.icount if icount is None else icount,
        virtio_mem=args.virtio_mem,
    )
    timeout_s = 0.0 if debugger and args.timeout is None else args.timeout
    append = extra_append + tuple(args.append)
    return boot.Run(
        machine, args.preset, append, timeout_s, tuple(args.qemu_arg), args.dtb, args.loader, args.card
    )
