// SPDX-License-Identifier: BSD-2-Clause
#include "arch/mmu/off_root.hpp"

#include "arch/cpu/processor.hpp"
#include "arch/mmu/idmap.hpp"
#include "arch/mmu/root_register.hpp"
#include "mm/image/boot_tables.hpp"

#include <array>
#include <atomic>

extern "C" void wait_off_root(percival::u64 root, percival::u64 reserved, percival::u64 is_off_root,
                              percival::u64 is_over);

namespace percival::arch {
namespace {

// The page that the idmap maps, and that the waiting CPUs access at its physical address. All others use the
// image's mapping of it, which has the same attributes.
struct alignas(mm::KernelGeometry::kPageSize.count()) Hold {
    std::array<std::atomic<bool>, kMaxCpus> is_off_root; // of each CPU
    std::atomic<bool> is_over;
};
static_assert(sizeof(std::atomic<bool>) == 1); // trampoline.S accesses bytes
static_assert(sizeof(Hold) == mm::KernelGeometry::kPageSize.count());
[[gnu::section(".bss.idmap_data")]] constinit Hold hold{};

} // namespace

void begin_hold_off_roots()
{
    for (std::atomic<bool>& cpu : hold.is_off_root)
        cpu.store(false, std::memory_order_relaxed);
    hold.is_over.store(false, std::memory_order_relaxed);
}

void wait_off_root(CpuId self)
{
    ExceptionMask masked; // the vectors are not mapped meanwhile
    enter_idmap();
    in_idmap (&::wait_off_root)(RootRegister::read().raw,
                                root_register(mm::image_to_physical(&boot::boot_tables.reserved)).raw,
                                data_in_idmap(&hold.is_off_root[self.index()]), data_in_idmap(&hold.is_over));
    drop_idmap();
}

bool is_off_root(CpuId cpu)
{
    // Acquire: the caller sees everything that the CPU wrote before.
    return hold.is_off_root[cpu.index()].load(std::memory_order_acquire);
}

void end_hold_off_roots()
{
    hold.is_over.store(true, std::memory_order_release);
}

} // namespace percival::arch
