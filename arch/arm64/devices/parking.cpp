// SPDX-License-Identifier: BSD-2-Clause
#include "arch/arm64/devices/parking.hpp"

#include "arch/cpu/cache.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/mmu/idmap.hpp"
#include "arch/mmu/translation_registers.hpp"
#include "kernel/device_tree/machine.hpp"
#include "mm/image/image.hpp"
#include "mm/percpu/area.hpp"

#include <array>
#include <atomic>
#include <cstddef>

// parking.S
extern "C" [[noreturn]] void wait_in_mailbox(percival::u64 mailbox, percival::u64 mmu_off);

namespace percival::arch::parking {
namespace {

struct Mailbox {
    alignas(kMaxWritebackGranule) u64 entry;     // physical address to continue at; 0: stay parked
    alignas(kMaxWritebackGranule) u64 is_parked; // 1 once the CPU touches no other memory
};
static_assert(offsetof(Mailbox, entry) == 0 && offsetof(Mailbox, is_parked) == 256); // parking.S

constinit std::array<Mailbox, kMaxCpus> mailboxes{};

// Reads a word from memory after discarding its cache line, which is not dirty (INV-parking-2).
u64 read_past_caches(u64& word)
{
    clean_and_invalidate_to_memory({address_of(&word), Bytes{sizeof word}});
    return std::atomic_ref{word}.load(std::memory_order_relaxed);
}

// Writes a word such that a CPU with its caches off reads it.
void write_to_memory(u64& word, u64 value)
{
    std::atomic_ref{word}.store(value, std::memory_order_relaxed);
    clean_and_invalidate_to_memory({address_of(&word), Bytes{sizeof word}});
}

} // namespace

bool is_possible()
{
    return writeback_granule_is_known(Ctr::read().raw);
}

void park_this_cpu()
{
    Mailbox& own = mailboxes[this_cpu_id().index()];
    write_to_memory(own.entry, 0);
    enter_idmap();
    in_idmap (&wait_in_mailbox)(mm::image_to_physical(&own).raw(), Sctlr::mmu_off().raw);
    __builtin_unreachable();
}

bool is_parked(CpuId cpu)
{
    return read_past_caches(mailboxes[cpu.index()].is_parked) != 0;
}

void release(CpuId cpu, PhysAddr entry)
{
    Mailbox& mailbox = mailboxes[cpu.index()];
    write_to_memory(mailbox.is_parked, 0);
    write_to_memory(mailbox.entry, entry.raw());
    send_event();
}

} // namespace percival::arch::parking
