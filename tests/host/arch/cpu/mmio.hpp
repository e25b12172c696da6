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

    constexpr VirtAddr base() const { return base_; }
    constexpr Mmio from(Bytes offset) const { return Mmio{base_ + offset}; }

    u8 read8(u32 offset) const { return static_cast<u8>(register_model->read(base_.raw() + offset, 8)); }
    void write8(u32 offset, u8 value) const { register_model->write(base_.raw() + offset, value, 8); }
    u16 read16(u32 offset) const { return static_cast<u16>(register_model->read(base_.raw() + offset, 16)); }
    void write16(u32 offset, u16 value) const { register_model->write(base_.raw() + offset, value, 16); }
    u32 read32(u32 offset) const { return static_cast<u32>(register_model->read(base_.raw() + offset, 32)); }
    void write32(u32 offset, u32 value) const { register_model->write(base_.raw() + offset, value, 32); }
    u64 read64(u32 offset) const { return register_model->read(base_.raw() + offset, 64); }
    void write64(u32 offset, u64 value) const { register_model->write(base_.raw() + offset, value, 64); }

private:
    VirtAddr base_{};
};

} // namespace percival::arch
