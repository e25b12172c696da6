// SPDX-License-Identifier: BSD-2-Clause
// Checks an access against the shadow, through the address by which it is made: a global address leads to the
// shadow of its CPU in any root, and a local address to that of the CPU on whose root the check runs.
//
// Nothing is checked before the CPU has percpu data, and where no percpu memory is mapped: the access itself
// faults there. Any context.
#pragma once

#include "kernel/lib/address.hpp"
#include "mm/address_space/kernel_geometry.hpp"

namespace percival::percpu::shadow {

enum class Access : u8 {
    Load,       // of C++: may copy bytes that were never written, as padding is copied
    Store,      //
    LoadValue,  // of a this_cpu operation: the value is used
    UpdateValue // uses the old value and writes a new one
};

// Returns whether an access that begins at `address` is one to percpu memory. The first thing that every
// instrumented access does.
[[gnu::always_inline]] inline bool is_percpu(u64 address)
{
    using Layout = mm::KernelLayout;
    return address - Layout::kLocalPercpu.base.raw() < Layout::kLocalPercpu.size.count() ||
           address - Layout::kGlobalPercpu.base.raw() < Layout::kGlobalPercpu.size.count();
}

// Checks an access to the `size` bytes at `address`, which is_percpu(), and reports what is wrong with it.
// Notes the bytes as written if it is a write.
void check_percpu(VirtAddr address, Bytes size, Access access);

} // namespace percival::percpu::shadow
