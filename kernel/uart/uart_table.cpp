// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/uart/uart_table.hpp"

#include <algorithm>

namespace percival {
namespace {

constexpr UartRegister byte_at(u16 offset)
{
    return {offset, 1};
}

constexpr UartRegister halfword_at(u16 offset)
{
    return {offset, 2};
}

constexpr UartRegister word_at(u16 offset)
{
    return {offset, 4};
}

// clang-format off
constexpr std::array kFacts{
    UartFacts{
        .kind = UartKind::Pl011, .name = "PL011",
        .transmit = word_at(0x00),
        .ready = {word_at(0x18), 1 << 5, 0},                    // FR.TXFF
        .drained = {word_at(0x18), 1 << 3, 0},                  // FR.BUSY
        .settings = {{{word_at(0x30), 0, 1 << 0 | 1 << 8}}}},   // CR.UARTEN, CR.TXE
    UartFacts{ // the same without a control register
        .kind = UartKind::Sbsa, .name = "SBSA UART",
        .transmit = word_at(0x00),
        .ready = {word_at(0x18), 1 << 5, 0},
        .drained = {word_at(0x18), 1 << 3, 0}},
    UartFacts{
        .kind = UartKind::Ns16550, .name = "8250",
        .transmit = {0},
        .ready = {{5}, 1 << 5, 1 << 5},                         // LSR.THRE
        .drained = {{5}, 1 << 6, 1 << 6}},                      // LSR.TEMT
    UartFacts{
        .kind = UartKind::Imx, .name = "i.MX UART",
        .transmit = {0x40},
        .ready = {{0xb4}, 1 << 4, 0},                           // UTS.TXFULL
        .drained = {{0x98}, 1 << 3, 1 << 3},                    // USR2.TXDC
        .settings = {{{{0x80}, 0, 1 << 0}, {{0x84}, 0, 1 << 2}}}}, // UCR1.UARTEN, UCR2.TXEN
    UartFacts{
        .kind = UartKind::Lpuart, .name = "LPUART",
        .transmit = {0x0c},
        .ready = {{0x04}, 1 << 23, 1 << 23},                    // STAT.TDRE
        .drained = {{0x04}, 1 << 22, 1 << 22},                  // STAT.TC
        .settings = {{{{0x08}, 0, 1 << 19}}}},                  // CTRL.TE
    UartFacts{ // the same behind four more registers
        .kind = UartKind::ImxLpuart, .name = "i.MX LPUART",
        .transmit = {0x1c},
        .ready = {{0x14}, 1 << 23, 1 << 23},
        .drained = {{0x14}, 1 << 22, 1 << 22},
        .settings = {{{{0x18}, 0, 1 << 19}}}},
    UartFacts{ // a command for each byte
        .kind = UartKind::Geni, .name = "Qualcomm GENI UART",
        .transmit = {0x700},                                    // SE_GENI_TX_FIFOn
        .ready = {{0x40}, 1 << 0, 0},                           // SE_GENI_STATUS.M_GENI_CMD_ACTIVE
        .drained = {{0x40}, 1 << 0, 0},
        // SE_UART_TX_TRANS_LEN; SE_GENI_M_CMD0: UART_START_TX
        .commands = {{{{0x270}, 1}, {{0x600}, 1 << 27}}}},
    UartFacts{
        .kind = UartKind::Uartdm, .name = "Qualcomm UARTDM",
        .transmit = {0x70},                                     // TF
        .ready = {{0x08}, 1 << 3, 1 << 3},                      // SR.TXEMT
        .drained = {{0x08}, 1 << 3, 1 << 3},
        .commands = {{{{0x10}, 3 << 8}, {{0x40}, 1}}}},         // CR: reset TX ready; NCF_TX: one character
    UartFacts{
        .kind = UartKind::Meson, .name = "Meson UART",
        .transmit = {0x00},
        .ready = {{0x0c}, 1 << 21, 0},                          // STATUS.TX_FULL
        .drained = {{0x0c}, 1 << 22 | 1 << 25, 1 << 22},        // STATUS.TX_EMPTY without XMIT_BUSY
        .settings = {{{{0x08}, 0, 1 << 12}}}},                  // CONTROL.TX_EN
    UartFacts{
        .kind = UartKind::Scif, .name = "SCIF",
        .transmit = byte_at(0x0c),
        .ready = {halfword_at(0x10), 1 << 5, 1 << 5},           // SCFSR.TDFE
        .drained = {halfword_at(0x10), 1 << 6, 1 << 6},         // SCFSR.TEND
        .settings = {{{halfword_at(0x08), 0, 1 << 5}}},         // SCSCR.TE
        .flags_to_clear = 1 << 5 | 1 << 6},
    UartFacts{ // the same with registers closer together
        .kind = UartKind::RzScif, .name = "RZ SCIF",
        .transmit = byte_at(0x06),
        .ready = {halfword_at(0x08), 1 << 5, 1 << 5},
        .drained = {halfword_at(0x08), 1 << 6, 1 << 6},
        .settings = {{{halfword_at(0x04), 0, 1 << 5}}},
        .flags_to_clear = 1 << 5 | 1 << 6},
    UartFacts{
        .kind = UartKind::Cadence, .name = "Cadence UART",
        .transmit = {0x30},
        .ready = {{0x2c}, 1 << 4, 0},                           // SR.TXFULL
        .drained = {{0x2c}, 1 << 3 | 1 << 11, 1 << 3},          // SR.TXEMPTY without SR.TACTIVE
        .settings = {{{{0x00}, 1 << 5, 1 << 4}}}},              // CR.TXDIS, CR.TXEN
    UartFacts{ // TXE holds when shifter and FIFO, or buffer, are empty; where UFSTAT's full bit is differs
        .kind = UartKind::Samsung, .name = "Samsung UART",
        .transmit = {0x20},
        .ready = {word_at(0x10), 1 << 2, 1 << 2},               // UTRSTAT.TXE
        .drained = {word_at(0x10), 1 << 2, 1 << 2}},
    UartFacts{
        .kind = UartKind::Armada3700, .name = "Armada 3700 UART",
        .transmit = {0x04},
        .ready = {{0x0c}, 1 << 11, 0},                          // STAT.TX_FIFO_FULL
        .drained = {{0x0c}, 1 << 6, 1 << 6}},                   // STAT.TX_EMPTY
    UartFacts{
        .kind = UartKind::Armada3700Ext, .name = "Armada 3700 second UART",
        .transmit = {0x1c},
        .ready = {{0x0c}, 1 << 11, 0},
        .drained = {{0x0c}, 1 << 6, 1 << 6}},
};

constexpr UartLayout kBytes{1, 0};
constexpr UartLayout kSpreadWords{4, 2};
constexpr UartLayout kWords{4, 0};
constexpr UartLayout kBigWords{4, 0, true};
constexpr UartLayout kOwnWidths{2, 0}; // the registers have widths of their own
constexpr UartLayout kByteData{1, 0};  // the status has a width of its own

constexpr std::array kCompatibles{
    UartName{"arm,pl011", UartKind::Pl011, kWords},
    UartName{"arm,sbsa-uart", UartKind::Sbsa, kWords},
    UartName{"ns16550", UartKind::Ns16550, kBytes},
    UartName{"ns16550a", UartKind::Ns16550, kBytes},
    UartName{"ns16450", UartKind::Ns16550, kBytes},
    UartName{"ns16850", UartKind::Ns16550, kBytes},
    UartName{"ns8250", UartKind::Ns16550, kBytes},
    UartName{"fsl,ns16550", UartKind::Ns16550, kBytes},
    UartName{"fsl,16550-FIFO64", UartKind::Ns16550, kBytes},
    UartName{"altr,16550-FIFO32", UartKind::Ns16550, kSpreadWords},
    UartName{"altr,16550-FIFO64", UartKind::Ns16550, kSpreadWords},
    UartName{"altr,16550-FIFO128", UartKind::Ns16550, kSpreadWords},
    UartName{"snps,dw-apb-uart", UartKind::Ns16550, kBytes},
    UartName{"marvell,armada-38x-uart", UartKind::Ns16550, kBytes},
    UartName{"intel,xscale-uart", UartKind::Ns16550, kSpreadWords},
    UartName{"mrvl,mmp-uart", UartKind::Ns16550, kSpreadWords},
    UartName{"mediatek,mt6577-uart", UartKind::Ns16550, kSpreadWords},
    UartName{"airoha,en7523-uart", UartKind::Ns16550, kSpreadWords},
    UartName{"ti,omap2-uart", UartKind::Ns16550, kSpreadWords},
    UartName{"ti,omap3-uart", UartKind::Ns16550, kSpreadWords},
    UartName{"ti,omap4-uart", UartKind::Ns16550, kSpreadWords},
    UartName{"ti,am3352-uart", UartKind::Ns16550, kSpreadWords},
    UartName{"ti,am4372-uart", UartKind::Ns16550, kSpreadWords},
    UartName{"ti,dra742-uart", UartKind::Ns16550, kSpreadWords},
    UartName{"ti,am654-uart", UartKind::Ns16550, kSpreadWords},
    UartName{"nvidia,tegra20-uart", UartKind::Ns16550, kSpreadWords},
    UartName{"nvidia,tegra30-uart", UartKind::Ns16550, kSpreadWords},
    UartName{"nvidia,tegra114-uart", UartKind::Ns16550, kSpreadWords},
    UartName{"nvidia,tegra124-uart", UartKind::Ns16550, kSpreadWords},
    UartName{"nvidia,tegra186-uart", UartKind::Ns16550, kSpreadWords},
    UartName{"nvidia,tegra194-uart", UartKind::Ns16550, kSpreadWords},
    UartName{"brcm,bcm2835-aux-uart", UartKind::Ns16550, kSpreadWords},
    UartName{"brcm,bcm7271-uart", UartKind::Ns16550, kSpreadWords},
    UartName{"socionext,uniphier-uart", UartKind::Ns16550, kSpreadWords},
    UartName{"nuvoton,npcm750-uart", UartKind::Ns16550, kSpreadWords},
    UartName{"nuvoton,npcm845-uart", UartKind::Ns16550, kSpreadWords},
    UartName{"fsl,imx21-uart", UartKind::Imx, kWords},
    UartName{"fsl,imx53-uart", UartKind::Imx, kWords},
    UartName{"fsl,imx6q-uart", UartKind::Imx, kWords},
    UartName{"fsl,ls1021a-lpuart", UartKind::Lpuart, kBigWords},
    UartName{"fsl,ls1028a-lpuart", UartKind::Lpuart, kWords},
    UartName{"fsl,imx7ulp-lpuart", UartKind::ImxLpuart, kWords},
    UartName{"fsl,imx8ulp-lpuart", UartKind::ImxLpuart, kWords},
    UartName{"fsl,imx8qxp-lpuart", UartKind::ImxLpuart, kWords},
    UartName{"qcom,geni-debug-uart", UartKind::Geni, kWords},
    UartName{"qcom,geni-uart", UartKind::Geni, kWords},
    UartName{"qcom,msm-uartdm", UartKind::Uartdm, kWords},
    UartName{"amlogic,meson-ao-uart", UartKind::Meson, kWords},
    UartName{"amlogic,meson-gx-uart", UartKind::Meson, kWords},
    UartName{"amlogic,meson-g12a-uart", UartKind::Meson, kWords},
    UartName{"amlogic,meson-s4-uart", UartKind::Meson, kWords},
    UartName{"amlogic,meson-a1-uart", UartKind::Meson, kWords},
    UartName{"renesas,scif", UartKind::Scif, kOwnWidths},
    UartName{"renesas,hscif", UartKind::Scif, kOwnWidths},
    UartName{"renesas,scif-r9a07g044", UartKind::RzScif, kOwnWidths},
    UartName{"renesas,scif-r9a09g057", UartKind::RzScif, kOwnWidths},
    UartName{"cdns,uart-r1p8", UartKind::Cadence, kWords},
    UartName{"cdns,uart-r1p12", UartKind::Cadence, kWords},
    UartName{"xlnx,xuartps", UartKind::Cadence, kWords},
    UartName{"samsung,exynos4210-uart", UartKind::Samsung, kByteData},
    UartName{"samsung,exynos5433-uart", UartKind::Samsung, kByteData},
    UartName{"samsung,exynos850-uart", UartKind::Samsung, kByteData},
    UartName{"samsung,exynos8895-uart", UartKind::Samsung, kByteData},
    UartName{"google,gs101-uart", UartKind::Samsung, kWords},
    UartName{"axis,artpec8-uart", UartKind::Samsung, kByteData},
    UartName{"apple,s5l-uart", UartKind::Samsung, kWords},
    UartName{"marvell,armada-3700-uart", UartKind::Armada3700, kWords},
    UartName{"marvell,armada-3700-uart-ext", UartKind::Armada3700Ext, kWords},
};

// As Linux calls them (Documentation/admin-guide/kernel-parameters.txt), and two that it has no name for.
constexpr std::array kEarlyconNames{
    UartName{"pl011", UartKind::Pl011, kWords},
    UartName{"sbsa", UartKind::Sbsa, kWords},
    UartName{"uart", UartKind::Ns16550, kBytes},
    UartName{"uart8250", UartKind::Ns16550, kBytes},
    UartName{"ns16550", UartKind::Ns16550, kBytes},
    UartName{"ns16550a", UartKind::Ns16550, kBytes},
    UartName{"omap8250", UartKind::Ns16550, kSpreadWords},
    UartName{"bcm2835aux", UartKind::Ns16550, kSpreadWords},
    UartName{"ec_imx21", UartKind::Imx, kWords},
    UartName{"ec_imx6q", UartKind::Imx, kWords},
    UartName{"lpuart32", UartKind::Lpuart, kBigWords},
    UartName{"imx_lpuart32", UartKind::ImxLpuart, kWords},
    UartName{"qcom_geni", UartKind::Geni, kWords},
    UartName{"msm_serial_dm", UartKind::Uartdm, kWords},
    UartName{"meson", UartKind::Meson, kWords},
    UartName{"scif", UartKind::Scif, kOwnWidths},
    UartName{"hscif", UartKind::Scif, kOwnWidths},
    UartName{"rzscifa", UartKind::RzScif, kOwnWidths},
    UartName{"cdns", UartKind::Cadence, kWords},
    UartName{"exynos4210", UartKind::Samsung, kByteData},
    UartName{"gs101", UartKind::Samsung, kWords},
    UartName{"s5l", UartKind::Samsung, kWords},
    UartName{"ar3700_uart", UartKind::Armada3700, kWords},
};
// clang-format on

static_assert(std::ranges::all_of(kFacts, [](const UartFacts& facts) {
    return &facts - kFacts.data() + 1 == static_cast<int>(facts.kind);
}));

std::optional<UartDescription> named(std::span<const UartName> names, std::string_view wanted)
{
    for (const UartName& name : names) {
        if (name.name.text() == wanted)
            return UartDescription{.kind = name.kind, .layout = name.layout};
    }
    return std::nullopt;
}

u64 access_bytes(UartRegister at, UartLayout layout)
{
    return at.bytes != 0 ? at.bytes : layout.bytes;
}

// Calls visit(UartRegister, u32 bits) for each register that the driver uses, with the bits it needs there.
template <class Visit>
void for_each_register(const UartFacts& facts, Visit visit)
{
    visit(facts.transmit, u32{0xff});
    visit(facts.ready.at, facts.ready.mask);
    visit(facts.drained.at, facts.drained.mask);
    for (const UartSetting& setting : facts.settings) {
        if (setting.is_needed())
            visit(setting.at, setting.clear | setting.set);
    }
    for (const UartCommand& command : facts.commands) {
        if (command.is_needed())
            visit(command.at, command.value);
    }
}

} // namespace

const UartFacts& uart_facts(UartKind kind)
{
    return kFacts[static_cast<std::size_t>(kind) - 1];
}

std::span<const UartFacts> all_uart_facts()
{
    return kFacts;
}

std::span<const UartName> uart_compatibles()
{
    return kCompatibles;
}

std::span<const UartName> uart_earlycon_names()
{
    return kEarlyconNames;
}

std::optional<UartDescription> uart_compatible_with(std::string_view compatible)
{
    return named(kCompatibles, compatible);
}

std::optional<UartDescription> uart_for_earlycon(std::string_view name)
{
    return named(kEarlyconNames, name);
}

Bytes uart_extent(UartKind kind, UartLayout layout)
{
    u64 end = 0;
    for_each_register(uart_facts(kind), [&](UartRegister at, u32) {
        end = std::max(end, (u64{at.offset} << layout.shift) + access_bytes(at, layout));
    });
    return Bytes{end};
}

std::expected<UartDescription, UartProblem> uart_as_claimed(UartDescription named, const UartClaim& claim)
{
    constexpr u64 kMaxShift = 8;
    if (claim.shift > kMaxShift)
        return std::unexpected{UartProblem::Shift};
    if (claim.bytes != 1 && claim.bytes != 2 && claim.bytes != 4)
        return std::unexpected{UartProblem::Width};
    const UartLayout layout{static_cast<u8>(claim.bytes), static_cast<u8>(claim.shift),
                            (named.layout.is_big_endian || claim.says_big_endian) &&
                                !claim.says_little_endian};
    const u64 base = claim.range.base.raw() + claim.offset;
    bool takes_width = false;
    bool holds_bits = true;
    bool is_aligned = true;
    bool is_base_aligned = true;
    for_each_register(uart_facts(named.kind), [&](UartRegister at, u32 bits) {
        const u64 bytes = access_bytes(at, layout);
        takes_width |= at.bytes == 0;
        holds_bits &= u64{bits} >> (8 * bytes) == 0;
        is_aligned &= (u64{at.offset} << layout.shift) % bytes == 0;
        is_base_aligned &= base % bytes == 0;
    });
    if (!holds_bits)
        return std::unexpected{UartProblem::Width};
    if (!is_aligned)
        return std::unexpected{UartProblem::Distance};
    const Bytes size = claim.range.size;
    if (claim.offset > size.count() || size - Bytes{claim.offset} < uart_extent(named.kind, layout))
        return std::unexpected{UartProblem::Size};
    if (!is_base_aligned)
        return std::unexpected{UartProblem::Base};
    named.layout = {takes_width ? layout.bytes : named.layout.bytes, layout.shift, layout.is_big_endian};
    named.registers = {PhysAddr{base}, size - Bytes{claim.offset}};
    return named;
}

} // namespace percival
