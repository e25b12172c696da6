// SPDX-License-Identifier: BSD-2-Clause
#include "arch/mmu/descriptor.hpp"

#include "arch/cpu/floating_point.hpp"
#include "arch/cpu/processor.hpp"

namespace percival::arch {

extern "C" void arch_fill_sixteens(u64* first, u64 count, u64 value, u64 step); // descriptor_fill.S

namespace {

constexpr u64 kGroup = 16; // descriptors that arch_fill_sixteens() writes at a time
// For fewer descriptors the switch to the vector registers costs more than it saves.
constexpr u64 kMinForVectors = 64;

// Allows this CPU's vector registers for its lifetime. Masks interrupts, so that no other code runs while the
// trap is off. Restores CPACR_EL1 as it was, because this may run inside a FloatingPointWindow.
class VectorWindow {
public:
    VectorWindow() : before_{Cpacr::read()} { allow_floating_point(); }
    ~VectorWindow()
    {
        before_.write();
        isb();
    }
    VectorWindow(const VectorWindow&) = delete;
    VectorWindow& operator=(const VectorWindow&) = delete;

private:
    InterruptMask masked_;
    Cpacr before_;
};

} // namespace

void fill_descriptors(u64* first, u64 count, u64 value, u64 step)
{
    if (count >= kMinForVectors) {
        const u64 sixteens = count & ~(kGroup - 1);
        {
            const VectorWindow window;
            arch_fill_sixteens(first, sixteens, value, step);
        }
        first += sixteens;
        value += sixteens * step;
        count -= sixteens;
    }
    for (; count != 0; --count, value += step)
        store_descriptor(first++, value);
}

} // namespace percival::arch
