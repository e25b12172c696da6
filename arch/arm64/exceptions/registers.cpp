// SPDX-License-Identifier: BSD-2-Clause
#include "arch/exceptions/registers.hpp"

#include "arch/cpu/pointer_authentication.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/lib/symbols.hpp"

namespace percival::arch {
namespace {

constexpr bool bit(u64 value, unsigned at)
{
    return ((value >> at) & 1) != 0;
}

struct Flag {
    unsigned at;
    char set;
    char clear;
};

// Bits of SPSR_EL1 (Arm ARM C5.2.19).
constexpr std::array<Flag, 4> kConditions{Flag{31, 'N', 'n'}, Flag{30, 'Z', 'z'}, Flag{29, 'C', 'c'},
                                          Flag{28, 'V', 'v'}};
constexpr std::array<Flag, 4> kMasks{Flag{9, 'D', 'd'}, Flag{8, 'A', 'a'}, Flag{7, 'I', 'i'},
                                     Flag{6, 'F', 'f'}};

struct Mode {
    unsigned at;
    std::string_view name;
};
constexpr std::array<Mode, 8> kModes{Mode{13, "ALLINT"}, Mode{12, "SSBS"}, Mode{20, "IL"},  Mode{21, "SS"},
                                     Mode{22, "PAN"},    Mode{23, "UAO"},  Mode{24, "DIT"}, Mode{25, "TCO"}};

} // namespace

void describe_pstate(Writer& out, u64 pstate)
{
    if (bit(pstate, 4))
        out.put("AArch32");
    else
        format(out, "EL{}{}", (pstate >> 2) & 3, bit(pstate, 0) ? 'h' : 't');
    out.put(' ');
    for (const Flag& flag : kConditions)
        out.put(bit(pstate, flag.at) ? flag.set : flag.clear);
    out.put(' ');
    for (const Flag& flag : kMasks)
        out.put(bit(pstate, flag.at) ? flag.set : flag.clear);
    if (const u64 btype = (pstate >> 10) & 3; btype != 0)
        format(out, " BTYPE={}", btype);
    for (const Mode& mode : kModes) {
        if (bit(pstate, mode.at))
            format(out, " {}", mode.name);
    }
}

void print_registers(const Registers& registers)
{
    std::array<char, 120> room;
    const auto with_symbol = [&room](VirtAddr address, AddressKind kind) {
        Writer text{room};
        put_address(text, address, kind);
        return text.text();
    };
    print("  pc  {}", with_symbol(VirtAddr{registers.pc}, AddressKind::Exact));
    print("  lr  {}",
          with_symbol(strip_pointer_authentication(VirtAddr{registers.x[30]}), AddressKind::Return));
    Writer pstate{room};
    describe_pstate(pstate, registers.pstate);
    print("  sp  {:018x}  pstate {:010x} {}", registers.sp, registers.pstate, pstate.text());
    for (unsigned i = 0; i < 30; i += 3) {
        print("  x{:-2} {:018x}  x{:-2} {:018x}  x{:-2} {:018x}", i, registers.x[i], i + 1,
              registers.x[i + 1], i + 2, registers.x[i + 2]);
    }
    print("  x30 {:018x}", registers.x[30]);
}

} // namespace percival::arch
