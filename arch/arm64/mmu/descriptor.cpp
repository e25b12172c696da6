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

// The two ways are functions of their own: the short one needs no stack frame.
[[gnu::noinline]] void fill_by_vectors(u64* first, u64 sixteens, u64 value, u64 step)
{
    const VectorWindow window;
    arch_fill_sixteens(first, sixteens, value, step);
}

[[gnu::noinline]] void fill_one_by_one(u64* first, u64 count, u64 value, u64 step)
{
#pragma clang loop unroll_count(16)
    for (u64 n = 0; n < count; ++n, value += step)
        store_descriptor(first + n, value);
}

} // namespace

void fill_descriptors(u64* first, u64 count, u64 value, u64 step)
{
    if (count < kMinForVectors)
        return fill_one_by_one(first, count, value, step);
    const u64 sixteens = count & ~(kGroup - 1);
    fill_by_vectors(first, sixteens, value, step);
    fill_one_by_one(first + sixteens, count - sixteens, value + sixteens * step, step);
}

} // namespace percival::arch
