// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/lib/symbols.hpp"

extern "C" {
extern const char _text[]; // the first byte of the image, from the linker script
// The section .symbols, which scripts/make_symbols.py writes.
extern const percival::u32 percival_symbol_count;
extern const percival::u32 percival_symbol_starts[];
extern const percival::u32 percival_symbol_names[];
extern const char percival_symbol_text[];
}

namespace percival {

std::optional<Symbol> find_symbol(VirtAddr address)
{
    if (address < address_of(_text))
        return {};
    const SymbolTable table{{percival_symbol_starts, percival_symbol_count + 1},
                            {percival_symbol_names, percival_symbol_count},
                            percival_symbol_text};
    return table.find((address - address_of(_text)).count());
}

void put_address(Writer& out, VirtAddr address, AddressKind kind)
{
    format(out, "{}", address);
    const Bytes back{kind == AddressKind::Return ? 1u : 0u};
    if (const std::optional<Symbol> symbol = find_symbol(address - back))
        format(out, " {}+{:x}", symbol->name, (symbol->offset + back).count());
}

} // namespace percival
