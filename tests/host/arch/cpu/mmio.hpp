// SPDX-License-Identifier: BSD-2-Clause
// The host's version of arch/cpu/mmio.hpp: the registers of a model.
#pragma once

#include "arch/simulation/register_model.hpp"
#include "kernel/lib/address.hpp"

namespace percival::arch {

class Mmio {
public:
    constexpr Mmio() = default;
    constexpr explicit Mmio(VirtAddr base) : base_{base} {}

    constexpr Mmio from(Bytes offset) const { return Mmio{base_ + offset}; }

    u32 read32(u32 offset) const { return static_cast<u32>(read64(offset)); }
    void write32(u32 offset, u32 value) const { write64(offset, value); }
    u64 read64(u32 offset) const { return register_model->read(base_.raw() + offset); }
    void write64(u32 offset, u64 value) const { register_model->write(base_.raw() + offset, value); }

private:
    VirtAddr base_{};
};

} // namespace percival::arch
