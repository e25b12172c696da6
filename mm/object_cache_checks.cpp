// SPDX-License-Identifier: BSD-2-Clause
#include "mm/object_cache_checks.hpp"

#include "kernel/assert.hpp"
#include "kernel/print.hpp"
#include "mm/memory_statistics.hpp"
#include "mm/object_cache.hpp"
#include "mm/page_reports.hpp"

namespace percival::mm {

void report_wrong_object(const void* object, ObjectClass object_class, std::string_view what)
{
    bad_frees.inc();
    print("memory: free of {} ({}) refused: it {}", address_of(object), object_class.size(), what);
}

void check_allocated(void* object, ObjectClass object_class)
{
    Slab* slab = slab_of(object, object_class);
    const auto index = slab->object_at(object);
    PERCIVAL_ASSERT(index.has_value());
    slab->mark_live(*index);
    if (const auto offset = find_damaged_poison(object, object_class.size()))
        report_late_write(address_of(object) + *offset);
}

bool check_freed(void* object, ObjectClass object_class)
{
    u32 index = 0;
    Slab* slab = find_object(object, object_class, index);
    if (slab == nullptr || !slab->mark_dead(index)) {
        report_wrong_object(object, object_class,
                            slab == nullptr ? "is no object of this size" : "is free already");
        return false;
    }
    poison(object, object_class.size());
    return true;
}

} // namespace percival::mm
