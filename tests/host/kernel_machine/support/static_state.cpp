// SPDX-License-Identifier: BSD-2-Clause
#include "kernel_machine/support/static_state.hpp"

#include "arch/percpu/register.hpp"

#include <cstddef>
#include <cstdlib>
#include <span>
#include <sys/mman.h>
#include <vector>

// These variables are not the kernel's (support/kernel_state.hpp).
#pragma clang section bss = "" data = ""

extern "C" {
extern std::byte __start_kernel_data[];
extern std::byte __stop_kernel_data[];
extern std::byte __start_kernel_bss[];
extern std::byte __stop_kernel_bss[];
}

namespace percival::testing {
namespace {

// ASan forbids accesses to what lies between variables.
[[clang::no_sanitize("address"), gnu::noinline]] void copy_bytes(std::byte* to, const std::byte* from,
                                                                 std::size_t size)
{
    for (std::size_t i = 0; i < size; ++i) {
        to[i] = from[i];
        asm volatile("" ::: "memory"); // keeps the compiler from calling memcpy(), which is checked
    }
}

class Saved {
public:
    explicit Saved(std::span<std::byte> section) : section_{section}, bytes_(section.size())
    {
        copy_bytes(bytes_.data(), section_.data(), section_.size());
    }
    void restore() const { copy_bytes(section_.data(), bytes_.data(), section_.size()); }

private:
    std::span<std::byte> section_;
    std::vector<std::byte> bytes_;
};

std::byte* copy_of(u32 cpu)
{
    return reinterpret_cast<std::byte*>(reinterpret_cast<u64>(percpu_section_begin) + copy_distance(cpu));
}

std::size_t percpu_size()
{
    return static_cast<std::size_t>(percpu_section_end - percpu_section_begin);
}

void map_copies(u32 cpus)
{
    static u32 mapped = 0;
    for (; mapped < cpus; ++mapped) {
        void* const wanted = copy_of(mapped);
        if (mmap(wanted, percpu_size(), PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != wanted)
            std::abort();
    }
}

} // namespace

void reset_static_state(u32 cpus)
{
    static const Saved percpu{{percpu_section_begin, percpu_section_end}};
    static const Saved data{{__start_kernel_data, __stop_kernel_data}};
    static const Saved bss{{__start_kernel_bss, __stop_kernel_bss}};
    percpu.restore(); // local loads have written there (support/percpu_text.hpp)
    data.restore();
    bss.restore();
    map_copies(cpus);
    for (u32 cpu = 0; cpu < cpus; ++cpu)
        copy_bytes(copy_of(cpu), percpu_section_begin, percpu_size());
}

} // namespace percival::testing
