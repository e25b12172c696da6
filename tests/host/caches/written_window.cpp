// SPDX-License-Identifier: BSD-2-Clause
#include "tests/host/caches/written_window.hpp"

#include "mm/image/image.hpp"
#include "mm/kernel_map/writable_window.hpp"
#include "tests/host/caches/image.hpp"

#include <gtest/gtest.h>

namespace percival {
namespace {

// The page that the window shows, if one is open.
std::optional<u64> window_page;

} // namespace

namespace mm {

WritableWindow::WritableWindow(PhysAddr thing)
{
    EXPECT_FALSE(window_page) << "only one window may be open";
    const u64 page = (thing - boot::handoff.image).align_down(Bytes{kPage}).count();
    EXPECT_LT(page, sizeof(Image));
    window_page = page;
    at_ = address_of(writable_image()) + Bytes{page};
    ++windows_opened;
}

WritableWindow::~WritableWindow()
{
    window_page.reset();
}

} // namespace mm

std::optional<u64> offset_in_window(u64 address)
{
    const u64 offset = address - address_of(writable_image()).raw();
    return window_page && offset - *window_page < kPage ? std::optional{offset} : std::nullopt;
}

} // namespace percival
