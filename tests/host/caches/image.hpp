// SPDX-License-Identifier: BSD-2-Clause
// A kernel image within the program: alternatives, and the text with their sites and sequences. It is mapped
// read-only, as the kernel's own is, and written through a window at other addresses
// (mm/kernel_map/writable_window.hpp). The physical address of a thing equals its address.
#pragma once

#include "arch/percpu_modes/alternatives.hpp"
#include "mm/address_space/kernel_geometry.hpp"

#include <array>
#include <functional>
#include <optional>

namespace percival {

inline constexpr u64 kPage = mm::KernelGeometry::kPageSize.count();

struct alignas(kPage) Image {
    std::array<arch::Alternative, 5> alternatives;
    alignas(kPage) std::array<u32, 2 * kPage / sizeof(u32)> text;
};

// Fills the image by `fill`, which gets an alias of it that can be written. Returns the image.
Image& make_image(const std::function<void(Image&)>& fill);

// Returns the distance from the image's start of what lies at `address`, which is in the image or in the
// window. Returns nothing for another address.
std::optional<u64> offset_in_image(u64 address);

inline u32 windows_opened = 0;

} // namespace percival
