// SPDX-License-Identifier: BSD-2-Clause
// A kernel image within the program: alternatives, and the text with their sites and sequences. It is mapped
// read-only, as the kernel's own is, and written through a window at other addresses
// (mm/kernel_map/writable_window.hpp). The physical address of a thing equals its address.
#pragma once

#include "arch/percpu_modes/alternatives.hpp"
#include "mm/address_space/kernel_geometry.hpp"

#include <array>
#include <cstddef>
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

// Returns where the image can be written.
std::byte* writable_image();

// Returns the distance from the image's start of what is executed at `address`, or nothing if that is not in
// the image.
std::optional<u64> offset_in_image(u64 address);

} // namespace percival
