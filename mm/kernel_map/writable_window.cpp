// SPDX-License-Identifier: BSD-2-Clause
#include "mm/kernel_map/writable_window.hpp"

#include "kernel/lib/assert.hpp"
#include "kernel/sync/spinlock.hpp"
#include "mm/address_space/fixmap.hpp"
#include "mm/kernel_map/kernel_tables.hpp"

namespace percival::mm {
namespace {

// Guards the page kFixmapWritable and its descriptor.
constinit SpinLock window_lock;

} // namespace

// The thread-safety analysis does not follow a lock from a constructor to a destructor.
WritableWindow::WritableWindow(PhysAddr thing) PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    window_lock.lock();
    const PhysAddr page = thing.align_down(KernelGeometry::kPageSize);
    // The tables exist since boot, so map() cannot run out of memory.
    const bool mapped = master_table().map(kFixmapWritable, page, kData).has_value();
    PERCIVAL_ASSERT(mapped);
    at_ = kFixmapWritable.base + (thing - page);
}

WritableWindow::~WritableWindow() PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    {
        KernelTlbBatch batch{kernel_tables()};
        const bool unmapped = master_table().unmap(kFixmapWritable, batch).has_value();
        PERCIVAL_ASSERT(unmapped);
    }
    window_lock.unlock();
}

std::expected<void, MapError> make_writable_window_tables()
{
    return master_table().ensure_tables(kFixmapWritable, kLastLevel.up());
}

bool writable_window_is_left_open() PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    const arch::InterruptMask masked;
    if (!window_lock.try_lock()) // a view exists
        return false;
    const bool is_mapped = master_table().walk(kFixmapWritable.base).kind() == PteKind::Leaf;
    window_lock.unlock();
    return is_mapped;
}

} // namespace percival::mm
