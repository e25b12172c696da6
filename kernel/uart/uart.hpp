// SPDX-License-Identifier: BSD-2-Clause
// Describes the UART that is the console: its kind, and where and how its registers are accessed. What the
// kinds are is in kernel/uart/uart_table.hpp.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

namespace percival {

enum class UartKind : u8 {
    None,
    Pl011,
    Sbsa,
    Ns16550,
    Imx,
    Lpuart,
    ImxLpuart,
    Geni,
    Uartdm,
    Meson,
    Scif,
    RzScif,
    Cadence,
    Samsung,
    Armada3700,
    Armada3700Ext,
};

// How registers are accessed: `bytes` (1, 2 or 4) at a time, at the offset of the kind's row shifted left by
// `shift`.
struct UartLayout {
    u8 bytes{4};
    u8 shift{0};
    bool is_big_endian{false};
    friend constexpr bool operator==(UartLayout, UartLayout) = default;
};

// Why this UART is the console: the boot arguments or /chosen name it, or it is the first of the tree.
enum class UartSource : u8 { BootArgument, DeviceTree, Guess };

struct UartDescription {
    UartKind kind{UartKind::None};
    UartLayout layout{};
    UartSource source{UartSource::Guess};
    PhysRange registers{};
};

} // namespace percival
