// SPDX-License-Identifier: BSD-2-Clause
// Access to device registers, in single instructions without writeback, which is what a hypervisor can
// emulate (Arm ARM D1.3.6: a valid ISS needs such a load or store). Device memory keeps accesses to one
// device in order; to order them against normal memory is the caller's business. Any context.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

namespace percival::arch {

// The registers of one device, mapped as Device-nGnRE.
class Mmio {
public:
    constexpr Mmio() = default;
    constexpr explicit Mmio(VirtAddr base) : base_{base} {}

    constexpr VirtAddr base() const { return base_; }
    // Returns the registers from `offset` on.
    constexpr Mmio from(Bytes offset) const { return Mmio{base_ + offset}; }

    u32 read32(u32 offset) const
    {
        u32 value;
        asm volatile("ldr %w0, [%1]" : "=r"(value) : "r"((base_ + Bytes{offset}).raw()) : "memory");
        return value;
    }
    void write32(u32 offset, u32 value) const
    {
        asm volatile("str %w0, [%1]" : : "rZ"(value), "r"((base_ + Bytes{offset}).raw()) : "memory");
    }
    u64 read64(u32 offset) const
    {
        u64 value;
        asm volatile("ldr %0, [%1]" : "=r"(value) : "r"((base_ + Bytes{offset}).raw()) : "memory");
        return value;
    }
    void write64(u32 offset, u64 value) const
    {
        asm volatile("str %0, [%1]" : : "rZ"(value), "r"((base_ + Bytes{offset}).raw()) : "memory");
    }

private:
    VirtAddr base_{};
};

} // namespace percival::arch
