// SPDX-License-Identifier: BSD-2-Clause
#include "arch/boot/boot_record.hpp"

#include "arch/cpu/cache.hpp"
#include "mm/image/image.hpp"

extern "C" {
constinit percival::arch::BootRecordTable boot_records = {}; // read by secondary_entry with the MMU off
extern const char secondary_entry[];                         // boot/start.S
}

namespace percival::arch {

void prepare_secondary(BootRecord& record, const SecondaryStart& start)
{
    record = {
        .mpidr = start.mpidr,
        .root = start.root,
        .tpidr = start.percpu_distance,
        .stack_top = start.stack_top.raw(),
        .unused = {},
        .early_stack = {},
    };
}

void publish_boot_records(std::span<const BootRecord> records, PhysAddr at)
{
    boot_records = {at.raw(), records.size()};
    clean_and_invalidate_to_memory({address_of(records.data()), Bytes{records.size_bytes()}});
    clean_and_invalidate_to_memory({address_of(&boot_records), Bytes{sizeof boot_records}});
}

PhysAddr secondary_entry_address()
{
    return mm::image_to_physical(secondary_entry);
}

} // namespace percival::arch
