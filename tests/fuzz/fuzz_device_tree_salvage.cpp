// SPDX-License-Identifier: BSD-2-Clause
// Fuzzes the search of a damaged device tree with arbitrary bytes: it stays inside of them, comes to an end,
// and finds no registers that cannot be any.
#include "kernel/device_tree/salvage.hpp"
#include "support/device_tree_blob.hpp"

#include <cstdlib>

using namespace percival;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size)
{
    const testing::GuardedBlob blob{std::as_bytes(std::span{data, size})};
    const auto machine = std::make_unique<MachineDescription>();
    salvage_device_tree(blob.bytes(), *machine);
    const UartDescription& uart = machine->uart;
    if (uart.kind != UartKind::None &&
        (!uart.registers.base.is_aligned(Bytes{uart.layout.bytes}) || uart.registers.base == PhysAddr{0} ||
         uart.registers.end() > PhysAddr{u64{1} << 52}))
        std::abort();
    // Every character is inside the blob; the sanitizers see it.
    u32 sum = 0;
    for (char c : machine->boot_arguments)
        sum += static_cast<u8>(c);
    return sum == ~u32{0} ? 1 : 0;
}
