// SPDX-License-Identifier: BSD-2-Clause
#include "arch/devices/uart.hpp"

#include "arch/cpu/poll.hpp"

namespace percival::arch {

void Uart::init(const UartDescription& uart, Mmio registers)
{
    registers_ = registers;
    layout_ = uart.layout;
    facts_ = &uart_facts(uart.kind);
    for (const UartSetting& setting : facts_->settings) {
        if (!setting.is_needed())
            continue;
        const u32 found = read(setting.at);
        const u32 wanted = (found & ~setting.clear) | setting.set;
        if (wanted != found)
            write(setting.at, wanted);
    }
}

void Uart::put(char c)
{
    if (c == '\n')
        send('\r');
    send(static_cast<u8>(c));
}

void Uart::drain()
{
    // If the device does not finish, the end of the output is lost. There is no other device to report that
    // on.
    static_cast<void>(poll_until([this] { return holds(facts_->drained); }));
}

void Uart::send(u8 byte)
{
    // A device that was stuck at the last character is polled only once, so that a machine whose UART is held
    // by flow control, or has no clock, still boots.
    const bool ready = poll_until([this] { return holds(facts_->ready); }, stuck_ ? 1 : kPollLimit);
    stuck_ = !ready;
    if (!ready) {
        // No read-modify-write: with the MMU off there are no exclusive accesses.
        lost_.store(lost_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        return;
    }
    for (const UartCommand& command : facts_->commands) {
        if (command.is_needed())
            write(command.at, command.value);
    }
    write(facts_->transmit, byte);
    if (facts_->flags_to_clear != 0)
        write(facts_->ready.at, read(facts_->ready.at) & ~facts_->flags_to_clear);
}

u32 Uart::read(UartRegister at) const
{
    const u32 offset = u32{at.offset} << layout_.shift;
    const u8 bytes = at.bytes != 0 ? at.bytes : layout_.bytes;
    if (bytes == 1)
        return registers_.read8(offset);
    if (bytes == 2) {
        const u16 value = registers_.read16(offset);
        return layout_.is_big_endian ? __builtin_bswap16(value) : value;
    }
    const u32 value = registers_.read32(offset);
    return layout_.is_big_endian ? __builtin_bswap32(value) : value;
}

void Uart::write(UartRegister at, u32 value) const
{
    const u32 offset = u32{at.offset} << layout_.shift;
    const u8 bytes = at.bytes != 0 ? at.bytes : layout_.bytes;
    if (bytes == 1)
        registers_.write8(offset, static_cast<u8>(value));
    else if (bytes == 2)
        registers_.write16(offset, layout_.is_big_endian ? __builtin_bswap16(static_cast<u16>(value))
                                                         : static_cast<u16>(value));
    else
        registers_.write32(offset, layout_.is_big_endian ? __builtin_bswap32(value) : value);
}

bool Uart::holds(const UartTest& test) const
{
    return (read(test.at) & test.mask) == test.value;
}

} // namespace percival::arch
