// SPDX-License-Identifier: BSD-2-Clause
#include "tests/host/caches/image.hpp"

#include "mm/image/boot_tables.hpp"
#include "mm/image/image.hpp"
#include "mm/kernel_map/writable_window.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <new>

namespace percival {

extern "C" {
// Only its pages count: the image's memory replaces them.
[[gnu::used]] alignas(kPage) std::array<std::byte, sizeof(Image)> image_pages{};
}

} // namespace percival

static_assert(sizeof(percival::arch::Alternative) == 36);
asm(".globl _image_start, __start_alternatives, __stop_alternatives\n"
    ".set _image_start, image_pages\n"
    ".set __start_alternatives, image_pages\n"
    ".set __stop_alternatives, image_pages + 5 * 36\n");

namespace percival {
namespace {

// The image's memory, which is mapped a second time where it can be written.
class Memory {
public:
    Memory()
    {
        const int file = memfd_create("image", 0);
        const bool is_sized = file >= 0 && ftruncate(file, sizeof(Image)) == 0;
        void* const executed = image_pages.data();
        if (!is_sized ||
            mmap(executed, sizeof(Image), PROT_READ, MAP_SHARED | MAP_FIXED, file, 0) != executed)
            std::abort();
        void* const alias = mmap(nullptr, sizeof(Image), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (alias == MAP_FAILED)
            std::abort();
        close(file);
        written_ = new (alias) Image{};
        // SAFETY: both mappings show the Image that was made there.
        executed_ = std::launder(reinterpret_cast<Image*>(executed));
    }
    Image& executed() { return *executed_; }
    Image& written() { return *written_; }

private:
    Image* executed_{nullptr};
    Image* written_{nullptr};
};

Memory& memory()
{
    static Memory the_memory;
    return the_memory;
}

// The page that the window shows, if one is open.
std::optional<u64> window_page;

} // namespace

namespace boot {
Handoff handoff{.image = PhysAddr{address_of(image_pages.data()).raw()},
                .device_tree = {},
                .device_tree_size = {},
                .device_tree_at = {},
                .entered_at_el2 = 0};
}

namespace mm {

WritableWindow::WritableWindow(PhysAddr thing)
{
    EXPECT_FALSE(window_page) << "only one window may be open";
    const u64 page = (thing - boot::handoff.image).align_down(Bytes{kPage}).count();
    EXPECT_LT(page, sizeof(Image));
    window_page = page;
    at_ = address_of(&memory().written()) + Bytes{page};
    ++windows_opened;
}

WritableWindow::~WritableWindow()
{
    window_page.reset();
}

} // namespace mm

Image& make_image(const std::function<void(Image&)>& fill)
{
    memory().written() = {};
    fill(memory().written());
    return memory().executed();
}

std::optional<u64> offset_in_image(u64 address)
{
    const u64 executed = address - address_of(&memory().executed()).raw();
    if (executed < sizeof(Image))
        return executed;
    const u64 written = address - address_of(&memory().written()).raw();
    if (window_page && written - *window_page < kPage)
        return written;
    return {};
}

} // namespace percival
