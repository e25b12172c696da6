// SPDX-License-Identifier: BSD-2-Clause
// Access to device registers. Each access is one load or store without writeback, as a hypervisor can emulate
// only these (Arm ARM D1.3.6: a valid ISS needs such an instruction). Device memory keeps accesses to one
// device in order; the caller orders them against normal memory. Any context.
//
// A load has acquire semantics on every CPU: a Cortex-A57 up to r1p2 may deadlock on another Device load
// beside an exclusive access (erratum 832075), and a LDAR costs nothing next to the device.
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
    // Returns the part of the registers that begins at `offset`.
    constexpr Mmio from(Bytes offset) const { return Mmio{base_ + offset}; }

    u8 read8(u32 offset) const
    {
        u32 value;
        asm volatile("ldarb %w0, [%1]" : "=r"(value) : "r"((base_ + Bytes{offset}).raw()) : "memory");
        return static_cast<u8>(value);
    }
    void write8(u32 offset, u8 value) const
    {
        asm volatile("strb %w0, [%1]" : : "r"(u32{value}), "r"((base_ + Bytes{offset}).raw()) : "memory");
    }
    u16 read16(u32 offset) const
    {
        u32 value;
        asm volatile("ldarh %w0, [%1]" : "=r"(value) : "r"((base_ + Bytes{offset}).raw()) : "memory");
        return static_cast<u16>(value);
    }
    void write16(u32 offset, u16 value) const
    {
        asm volatile("strh %w0, [%1]" : : "rZ"(u32{value}), "r"((base_ + Bytes{offset}).raw()) : "memory");
    }
    u32 read32(u32 offset) const
    {
        u32 value;
        asm volatile("ldar %w0, [%1]" : "=r"(value) : "r"((base_ + Bytes{offset}).raw()) : "memory");
        return value;
    }
    void write32(u32 offset, u32 value) const
    {
        asm volatile("str %w0, [%1]" : : "rZ"(value), "r"((base_ + Bytes{offset}).raw()) : "memory");
    }
    u64 read64(u32 offset) const
    {
        u64 value;
        asm volatile("ldar %0, [%1]" : "=r"(value) : "r"((base_ + Bytes{offset}).raw()) : "memory");
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
