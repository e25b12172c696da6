// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/init/console_setup.hpp"

#include "arch/devices/semihosting.hpp"
#include "arch/devices/uart.hpp"
#include "kernel/boot_arguments/boot_arguments.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/uart/earlycon.hpp"
#include "mm/vmalloc/vmap.hpp"

#include <array>

namespace percival {
namespace {

constinit arch::Uart uart;

} // namespace

void attach_console(const MachineDescription& machine)
{
    const BootArguments arguments{machine.boot_arguments};
    const std::string_view value = arguments.text(BootArgumentTable::kEarlycon);
    if (const auto by_hand = uart_by_hand(value); !by_hand && !value.empty())
        print("boot argument {}", by_hand.error());
    if (machine.uart.kind == UartKind::None)
        return;
    if (const auto registers = mm::ioremap(machine.uart.registers)) {
        uart.init(machine.uart, arch::Mmio{*registers});
        console_attach(uart);
    }
}

void report_lost_output(const MachineDescription& machine)
{
    if (console_lost() == 0)
        return;
    std::array<char, kLineLength> room;
    Writer line{room};
    format(line, "console: the {} at {} was not ready for {} characters, which are lost",
           uart_facts(machine.uart.kind).name.text(), machine.uart.registers.base, console_lost());
    print("{}", line.text());
    const BootArguments arguments{machine.boot_arguments};
    if (arguments.choice(BootArgumentTable::kVerdict).value == VerdictChoice::Semihosting)
        arch::semihosting_write_line(line.text());
}

} // namespace percival
