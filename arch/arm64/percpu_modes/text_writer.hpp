// SPDX-License-Identifier: BSD-2-Clause
// Writes instructions of the kernel. Only for the files of arch/arm64/percpu_modes. The other CPUs execute
// none of what is written meanwhile, and each needs an ISB before it does. Interrupts masked.
#pragma once

#include "arch/cpu/cache.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/image/image.hpp"
#include "mm/kernel_map/writable_window.hpp"

#include <atomic>
#include <cstddef>
#include <optional>

namespace percival::arch {

// The text and the table of alternatives have no other writable alias. The writer maps one page at a time and
// keeps it until a write to another page, because successive sites are mostly in the same page.
class TextWriter : Immovable {
public:
    void write(u32* at, u32 instruction)
    {
        if (*at == instruction)
            return;
        u32* const writable = open(at);
        std::atomic_ref{*writable}.store(instruction, std::memory_order_relaxed);
        publish_instructions({address_of(writable), Bytes{sizeof(u32)}}, address_of(at));
    }

private:
    u32* open(u32* at)
    {
        const u64 offset = address_of(at).raw() % mm::KernelGeometry::kPageSize.count();
        // SAFETY: the byte pointer serves for arithmetic only; nothing accesses the page through it.
        std::byte* const page = reinterpret_cast<std::byte*>(at) - offset;
        if (page != page_ || !window_) {
            window_.reset(); // only one window may exist at a time
            window_.emplace(mm::image_to_physical(page));
            page_ = page;
        }
        // SAFETY: the window maps the page of `at` at another address, so this points to the same
        // instruction.
        return reinterpret_cast<u32*>(window_->writable<std::byte>() + offset);
    }

    std::byte* page_{nullptr};
    std::optional<mm::WritableWindow> window_{};
};

} // namespace percival::arch
