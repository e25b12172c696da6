// SPDX-License-Identifier: BSD-2-Clause
#include "memory_order/support/static_memory.hpp"

#include <cstdlib>
#include <cstring>
#include <link.h>
#include <sys/mman.h>

namespace percival::testing {
namespace {

struct Segment {
    std::uintptr_t begin{0};
    std::uintptr_t end{0};
};

// Returns the pages of the program that it may write.
const Segment& segment()
{
    static const Segment found = [] {
        Segment writable;
        dl_iterate_phdr(
            [](dl_phdr_info* info, std::size_t, void* out) {
                for (unsigned i = 0; i < info->dlpi_phnum; ++i) {
                    const auto& header = info->dlpi_phdr[i];
                    if (header.p_type != PT_LOAD || (header.p_flags & PF_W) == 0)
                        continue;
                    const std::uintptr_t begin = info->dlpi_addr + header.p_vaddr;
                    auto& result = *static_cast<Segment*>(out);
                    result = {begin & ~std::uintptr_t{4095},
                              (begin + header.p_memsz + 4095) & ~std::uintptr_t{4095}};
                }
                return 1; // the first object is the program
            },
            &writable);
        return writable;
    }();
    return found;
}

} // namespace

bool is_static(std::uintptr_t address)
{
    const Segment& own = segment();
    const std::uintptr_t original =
        own.begin + ((address - own.begin) & ((std::uintptr_t{1} << kCopyShift) - 1));
    return original < own.end && address >= own.begin;
}

void map_percpu_copies(u32 cpus)
{
    static u32 mapped = 0;
    const Segment& own = segment();
    const std::size_t size = own.end - own.begin;
    for (; mapped < cpus; ++mapped) {
        void* const wanted = reinterpret_cast<void*>(own.begin + copy_distance(mapped));
        if (mmap(wanted, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
                 0) != wanted)
            std::abort();
        std::memcpy(wanted, reinterpret_cast<const void*>(own.begin), size);
    }
}

} // namespace percival::testing
