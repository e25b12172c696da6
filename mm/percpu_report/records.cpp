// SPDX-License-Identifier: BSD-2-Clause
#include "mm/percpu_report/records.hpp"

#include "arch/cpu/pointer_authentication.hpp"
#include "arch/exceptions/frame_walker.hpp"
#include "kernel/sync/spinlock.hpp"
#include "mm/percpu/request.hpp"
#include "mm/vmalloc/stacks.hpp"

namespace percival::percpu::shadow {
namespace {

constexpr unsigned kBits = 12;

constinit SpinLock lock;
constinit std::array<Record, u64{1} << kBits> records PERCIVAL_GUARDED_BY(lock){};

// Spreads neighbouring objects over the table (the multiplier is 2^64 divided by the golden ratio).
u64 index_of(VirtAddr object)
{
    return (object.raw() / kGrain.count() * 0x9e37'79b9'7f4a'7c15) >> (64 - kBits);
}

// Returns the callers of the function whose frame record is at `frame`.
Trace callers_of(const void* frame)
{
    Trace trace{};
    arch::FrameWalker walker{address_of(frame), stack_containing};
    for (VirtAddr& caller : trace) {
        const auto next = walker.next();
        if (!next)
            break;
        caller = arch::strip_pointer_authentication(*next);
    }
    return trace;
}

} // namespace

// Not tail calls: these would give up the frames from which the traces begin.
[[gnu::noinline, clang::disable_tail_calls]] void record_allocation(VirtAddr object)
{
    const Trace trace = callers_of(__builtin_frame_address(0));
    const IrqSpinGuard guard{lock};
    records[index_of(object)] = {object, trace, {}};
}

[[gnu::noinline, clang::disable_tail_calls]] void record_free(VirtAddr object)
{
    const Trace trace = callers_of(__builtin_frame_address(0));
    const IrqSpinGuard guard{lock};
    Record& record = records[index_of(object)];
    if (record.object == object)
        record.freed = trace;
    else
        record = {object, {}, trace};
}

std::optional<Record> record_of(VirtAddr object)
{
    const IrqSpinGuard guard{lock};
    const Record& record = records[index_of(object)];
    return record.object == object ? std::optional{record} : std::nullopt;
}

} // namespace percival::percpu::shadow
