// SPDX-License-Identifier: BSD-2-Clause
#include "tests/host/caches/image.hpp"

#include "mm/image/boot_tables.hpp"
#include "mm/image/image.hpp"

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

static_assert(sizeof(percival::arch::Alternative) == 44);
static_assert(sizeof(percival::Image) == 3 * 4096);
asm(".globl _image_start, _image_end, __start_alternatives, __stop_alternatives\n"
    ".set _image_start, image_pages\n"
    ".set _image_end, image_pages + 3 * 4096\n"
    ".set __start_alternatives, image_pages\n"
    ".set __stop_alternatives, image_pages + 5 * 44\n");

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

} // namespace

namespace boot {
Handoff handoff{.image = PhysAddr{address_of(image_pages.data()).raw()},
                .device_tree = {},
                .device_tree_size = {},
                .device_tree_at = {},
                .entered_at_el2 = 0,
                .level = kAtEl1};
}

Image& make_image(const std::function<void(Image&)>& fill)
{
    memory().written() = {};
    fill(memory().written());
    return memory().executed();
}

std::byte* writable_image()
{
    // SAFETY: the caller writes to objects of the image at their offsets.
    return reinterpret_cast<std::byte*>(&memory().written());
}

std::optional<u64> offset_in_image(u64 address)
{
    const u64 offset = address - address_of(&memory().executed()).raw();
    return offset < sizeof(Image) ? std::optional{offset} : std::nullopt;
}

} // namespace percival
