// SPDX-License-Identifier: BSD-2-Clause
#include "mm/objects/object_cache_checks.hpp"

#include "kernel/lib/assert.hpp"
#include "kernel/lib/print.hpp"
#include "mm/objects/object_cache.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/pages/page_reports.hpp"

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
