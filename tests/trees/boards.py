# SPDX-License-Identifier: BSD-2-Clause
"""Boards as data, one for each kind of console, interrupt controller and way to start CPUs, and device trees
made of these facts. Addresses and names are those of the SoCs; the trees have nothing else of theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Tuple

# Compatible names of interrupt controllers.
GIC_400 = "arm,gic-400"
QGIC2 = "qcom,msm-qgic2"
GIC_V3 = "arm,gic-v3"
BCM2836 = "brcm,bcm2836-l1-intc"

# How CPUs are started. Without a method, the loader is to fill it in.
PSCI = "arm,psci-1.0"
PSCI_0_1 = "arm,psci"
SPIN_TABLE = "spin-table"
NO_METHOD = ""

MEMORY_AT = 0x10_0000_0000
MEMORY_SIZE = 0x8000_0000
REDISTRIBUTOR_SIZE = 0x2_0000
BUS_SIZE = 0x100_0000


@dataclass(frozen=True)
class Board:
    """A board. `console` are compatible names. `second` is the GIC's CPU interface or redistributors. `cpus`
    are runs of MPIDRs in hexadecimal: 100+4 are four from 100 on, and 0+4*100 are four at that distance.
    `shift` and `width` are reg-shift and reg-io-width of the console, if it has them."""

    name: str
    console: str
    console_at: int
    controller: str
    controller_at: int
    second: int
    start: str
    cpus: str
    shift: int = 0
    width: int = 0

    @property
    def mpidrs(self) -> Tuple[int, ...]:
        """The CPUs."""
        found: List[int] = []
        for run in self.cpus.split():
            first, _, rest = run.partition("+")
            count, _, distance = rest.partition("*")
            found += (int(first, 16) + n * int(distance or "1", 16) for n in range(int(count or "1")))
        return tuple(found)


BOARDS: Tuple[Board, ...] = (
    Board(
        "sun50i_a100",
        "snps,dw-apb-uart",
        0x5000000,
        GIC_400,
        0x3021000,
        0x3022000,
        PSCI,
        "0+4",
        shift=2,
        width=4,
    ),
    Board("seattle", "arm,pl011", 0xE1010000, GIC_400, 0xE1110000, 0xE112F000, PSCI, "0+2 100+2 200+2 300+2"),
    Board(
        "a1",
        "amlogic,meson-a1-uart amlogic,meson-ao-uart",
        0xFE002000,
        GIC_400,
        0xFF901000,
        0xFF902000,
        PSCI,
        "0+2",
    ),
    Board(
        "meson_axg",
        "amlogic,meson-gx-uart amlogic,meson-ao-uart",
        0xFF803000,
        GIC_400,
        0xFFC01000,
        0xFFC02000,
        PSCI,
        "0+4",
    ),
    Board(
        "g12a",
        "amlogic,meson-g12a-uart amlogic,meson-gx-uart amlogic,meson-ao-uart",
        0xFF803000,
        GIC_400,
        0xFFC01000,
        0xFFC02000,
        PSCI,
        "0+4",
    ),
    Board("corstone1000_fvp", "arm,pl011", 0x1A510000, GIC_400, 0x1C010000, 0x1C02F000, PSCI, "0"),
    Board("foundation_v8_gicv3", "arm,pl011", 0x1C090000, GIC_V3, 0x2F000000, 0x2F100000, SPIN_TABLE, "0+4"),
    Board("foundation_v8", "arm,pl011", 0x1C090000, GIC_400, 0x2C001000, 0x2C002000, SPIN_TABLE, "0+4"),
    Board("bcm2711", "brcm,bcm2835-aux-uart", 0xFE215040, GIC_400, 0xFF841000, 0xFF842000, SPIN_TABLE, "0+4"),
    Board("bcm2712", "arm,pl011", 0x107D001000, GIC_400, 0x107FFF9000, 0x107FFFA000, PSCI, "0+4*100"),
    Board("bcm2837_pl011", "arm,pl011", 0x3F201000, BCM2836, 0x40000000, 0x0, SPIN_TABLE, "0+4"),
    Board(
        "bcm2837_mini_uart", "brcm,bcm2835-aux-uart", 0x3F215040, BCM2836, 0x40000000, 0x0, SPIN_TABLE, "0+4"
    ),
    Board(
        "exynos5433",
        "samsung,exynos5433-uart",
        0x14C20000,
        GIC_400,
        0x11001000,
        0x11002000,
        PSCI_0_1,
        "0+4 100+4",
    ),
    Board(
        "exynos7",
        "samsung,exynos7-uart samsung,exynos4210-uart",
        0x14C30000,
        GIC_400,
        0x11001000,
        0x11002000,
        PSCI_0_1,
        "0+4",
    ),
    Board(
        "exynos850", "samsung,exynos850-uart", 0x13820000, GIC_400, 0x12A01000, 0x12A02000, PSCI, "0+4 100+4"
    ),
    Board(
        "exynosautov920",
        "samsung,exynosautov920-uart samsung,exynos850-uart",
        0x10880000,
        GIC_V3,
        0x10400000,
        0x10460000,
        PSCI,
        "0+4*100 10000+4*100 20000+2*100",
    ),
    Board("gs101", "google,gs101-uart", 0x10A00000, GIC_V3, 0x10400000, 0x10440000, PSCI, "0+8*100"),
    Board("ls1028a", "fsl,ns16550 ns16550a", 0x21C0500, GIC_V3, 0x6000000, 0x6040000, NO_METHOD, "0+2"),
    Board("ls1043a", "fsl,ns16550 ns16550a", 0x21C0500, GIC_400, 0x1401000, 0x1402000, NO_METHOD, "0+4"),
    Board(
        "imx8dxl",
        "fsl,imx8dxl-lpuart fsl,imx8qxp-lpuart",
        0x5A060000,
        GIC_V3,
        0x51A00000,
        0x51B00000,
        PSCI,
        "0+2",
    ),
    Board(
        "imx8mm", "fsl,imx8mm-uart fsl,imx6q-uart", 0x30890000, GIC_V3, 0x38800000, 0x38880000, PSCI, "0+4"
    ),
    Board(
        "imx8mp", "fsl,imx8mp-uart fsl,imx6q-uart", 0x30890000, GIC_V3, 0x38800000, 0x38880000, PSCI, "0+4"
    ),
    Board(
        "imx8ulp",
        "fsl,imx8ulp-lpuart fsl,imx7ulp-lpuart",
        0x293A0000,
        GIC_V3,
        0x2D400000,
        0x2D440000,
        PSCI,
        "0+2",
    ),
    Board(
        "imx93",
        "fsl,imx93-lpuart fsl,imx8ulp-lpuart fsl,imx7ulp-lpuart",
        0x44380000,
        GIC_V3,
        0x48000000,
        0x48040000,
        PSCI,
        "0+2*100",
    ),
    Board(
        "hip05",
        "snps,dw-apb-uart",
        0x80300000,
        GIC_V3,
        0x8D000000,
        0x8D100000,
        PSCI,
        "20000+4 20100+4 20200+4 20300+4",
        shift=2,
        width=4,
    ),
    Board(
        "hip07",
        "arm,sbsa-uart",
        0x602B0000,
        GIC_V3,
        0x4D000000,
        0x4D100000,
        PSCI,
        "10000+4 10100+4 10200+4 10300+4",
        width=4,
    ),
    Board("armada3700", "marvell,armada-3700-uart", 0xD0012000, GIC_V3, 0xD1D00000, 0xD1D40000, PSCI, "0+2"),
    Board(
        "mt6797",
        "mediatek,mt6797-uart mediatek,mt6577-uart",
        0x11003000,
        GIC_V3,
        0x19000000,
        0x19200000,
        PSCI,
        "0+4 100+4 200+2",
    ),
    Board(
        "mt8173",
        "mediatek,mt8173-uart mediatek,mt6577-uart",
        0x11002000,
        GIC_400,
        0x10221000,
        0x10222000,
        PSCI,
        "0+2 100+2",
    ),
    Board(
        "mt8195",
        "mediatek,mt8195-uart mediatek,mt6577-uart",
        0x11001100,
        GIC_V3,
        0xC000000,
        0xC040000,
        PSCI,
        "0+8*100",
    ),
    Board(
        "tegra210",
        "nvidia,tegra210-uart nvidia,tegra20-uart",
        0x70006000,
        GIC_400,
        0x50041000,
        0x50042000,
        PSCI,
        "0+4",
        shift=2,
    ),
    Board(
        "msm8939",
        "qcom,msm-uartdm-v1.4 qcom,msm-uartdm",
        0x78B0000,
        QGIC2,
        0xB000000,
        0xB002000,
        SPIN_TABLE,
        "0+4 100+4",
    ),
    Board(
        "apq8016", "qcom,msm-uartdm-v1.4 qcom,msm-uartdm", 0x78B0000, QGIC2, 0xB000000, 0xB002000, PSCI, "0+4"
    ),
    Board(
        "msm8998",
        "qcom,msm-uartdm-v1.4 qcom,msm-uartdm",
        0xC1B0000,
        GIC_V3,
        0x17A00000,
        0x17B00000,
        PSCI,
        "0+4 100+4",
    ),
    Board("qcm6490", "qcom,geni-debug-uart", 0x994000, GIC_V3, 0x17A00000, 0x17A60000, PSCI, "0+8*100"),
    Board("sdm845", "qcom,geni-uart", 0x898000, GIC_V3, 0x17A00000, 0x17A60000, PSCI, "0+8*100"),
    Board(
        "r8a774a1",
        "renesas,scif-r8a774a1 renesas,rcar-gen3-scif renesas,scif",
        0xE6E88000,
        GIC_400,
        0xF1010000,
        0xF1020000,
        PSCI,
        "0+2 100+4",
    ),
    Board("r9a07g044", "renesas,scif-r9a07g044", 0x1004B800, GIC_V3, 0x11900000, 0x11940000, PSCI, "0+2*100"),
    Board("r9a09g057", "renesas,scif-r9a09g057", 0x11C01400, GIC_V3, 0x14900000, 0x14940000, PSCI, "0+4*100"),
    Board(
        "rk3399",
        "rockchip,rk3399-uart snps,dw-apb-uart",
        0xFF1A0000,
        GIC_V3,
        0xFEE00000,
        0xFEF00000,
        PSCI,
        "0+4 100+2",
        shift=2,
        width=4,
    ),
    Board(
        "rk3588",
        "rockchip,rk3588-uart snps,dw-apb-uart",
        0xFEB50000,
        GIC_V3,
        0xFE600000,
        0xFE680000,
        PSCI,
        "0+8*100",
        shift=2,
        width=4,
    ),
    Board("am625", "ti,am64-uart ti,am654-uart", 0x2800000, GIC_V3, 0x1800000, 0x1880000, NO_METHOD, "0+4"),
    Board(
        "zynqmp", "xlnx,zynqmp-uart cdns,uart-r1p12", 0xFF010000, GIC_400, 0xF9010000, 0xF9020000, PSCI, "0+4"
    ),
)


def _cells(*numbers: int) -> str:
    """Numbers of two cells each."""
    return "<" + " ".join(f"{number >> 32:#x} {number & 0xFFFFFFFF:#x}" for number in numbers) + ">"


def _names(text: str) -> str:
    return ", ".join(f'"{name}"' for name in text.split())


def _cpu(board: Board, mpidr: int) -> str:
    method = {PSCI: "psci", PSCI_0_1: "psci", SPIN_TABLE: "spin-table", NO_METHOD: ""}[board.start]
    lines = ['device_type = "cpu";', 'compatible = "arm,armv8";', f"reg = {_cells(mpidr)};"]
    lines += [f'enable-method = "{method}";'] if method else []
    lines += [f"cpu-release-addr = {_cells(MEMORY_AT + 0xD8)};"] if board.start == SPIN_TABLE else []
    return f"cpu@{mpidr:x} {{ {' '.join(lines)} }};"


def _psci(board: Board) -> str:
    if board.start not in (PSCI, PSCI_0_1):
        return ""
    functions = "cpu_on = <0xc4000003>;" if board.start == PSCI_0_1 else ""
    return f'psci {{ compatible = "{board.start}"; method = "smc"; {functions} }};'


def _controller(board: Board) -> str:
    if board.controller == BCM2836:
        registers, cells = _cells(board.controller_at, 0x100), 2
    else:
        size = REDISTRIBUTOR_SIZE * len(board.mpidrs) if board.controller == GIC_V3 else 0x2000
        registers, cells = _cells(board.controller_at, 0x1_0000, board.second, size), 3
        if board.controller != GIC_V3:
            registers = _cells(board.controller_at, 0x1000, board.second, size)
    return (
        f"gic: interrupt-controller@{board.controller_at:x} {{ "
        f'compatible = "{board.controller}"; reg = {registers}; '
        f"interrupt-controller; #interrupt-cells = <{cells}>; }};"
    )


def _timer(board: Board) -> str:
    if board.controller == BCM2836:
        interrupts = "<0 4>, <1 4>, <3 4>, <2 4>"
    else:
        interrupts = ", ".join(f"<1 {number} 0xf08>" for number in (13, 14, 11, 10))
    return f'timer {{ compatible = "arm,armv8-timer"; interrupts = {interrupts}; }};'


def _console(board: Board) -> str:
    """The console on a bus whose addresses begin at 0x7e000000, whatever the CPU's are."""
    base = board.console_at & ~(BUS_SIZE - 1)
    at = 0x7E00_0000 + board.console_at - base
    layout = f"reg-shift = <{board.shift}>;" if board.shift else ""
    layout += f" reg-io-width = <{board.width}>;" if board.width else ""
    names = _names(board.console)
    return (
        "bus { #address-cells = <1>; #size-cells = <1>; "
        f"ranges = <0x7e000000 {base >> 32:#x} {base & 0xFFFFFFFF:#x} {BUS_SIZE:#x}>; "
        f"console: serial@{at:x} {{ compatible = {names}; reg = <{at:#x} 0x1000>; {layout} }}; }};"
    )


def text(board: Board) -> str:
    """Returns the board's device tree as dtc reads it."""
    cpus = " ".join(_cpu(board, mpidr) for mpidr in board.mpidrs)
    lines = (
        "/dts-v1/;",
        "/ { #address-cells = <2>; #size-cells = <2>; interrupt-parent = <&gic>;",
        f'model = "{board.name}"; compatible = "invented,{board.name}";',
        'chosen { stdout-path = "serial2:115200n8"; };',
        "aliases { serial2 = &console; };",
        f'memory@{MEMORY_AT:x} {{ device_type = "memory"; reg = {_cells(MEMORY_AT, MEMORY_SIZE)}; }};',
        f"cpus {{ #address-cells = <2>; #size-cells = <0>; {cpus} }};",
        _psci(board),
        _timer(board),
        _controller(board),
        _console(board),
        "};",
    )
    return "\n".join(lines) + "\n"
