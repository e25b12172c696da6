// SPDX-License-Identifier: BSD-2-Clause
#include "mm/percpu_report/report.hpp"

#include "kernel/lib/assert.hpp"
#include "kernel/lib/panic.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/lib/symbols.hpp"
#include "kernel/sync/spinlock.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu_report/records.hpp"

#include <atomic>
#include <string_view>

namespace percival::percpu::shadow {
namespace {

constinit std::atomic<bool> findings_are_expected{false};
constinit SpinLock lock;
constinit Finding last_finding PERCIVAL_GUARDED_BY(lock){};
constinit std::atomic<u32> finding_count{0};

void count(const Finding& finding)
{
    const IrqSpinGuard guard{lock};
    last_finding = finding;
    finding_count.fetch_add(1, std::memory_order_release);
}

std::string_view name_of(Wrong wrong)
{
    switch (wrong) {
    case Wrong::OutOfBounds:
        return "access out of bounds";
    case Wrong::UseAfterFree:
        return "use after free";
    case Wrong::NeverWritten:
        return "read of bytes that were never written";
    }
    __builtin_unreachable();
}

void print_trace(std::string_view title, const Trace& trace)
{
    if (trace[0] == VirtAddr{0})
        return;
    print("percpu: {}", title);
    for (u64 number = 0; number < trace.size() && trace[number] != VirtAddr{0}; ++number) {
        std::array<char, 160> room;
        Writer text{room};
        put_address(text, trace[number], AddressKind::Return);
        print("#{:-2} {}", number, text.text());
    }
}

void print_object(const Finding& finding)
{
    if (!finding.object) {
        print("percpu: no object is near");
        return;
    }
    const VirtAddr byte = mm::is_percpu_local(finding.byte)
                              ? finding.byte
                              : VirtAddr{finding.byte.raw() - mm::global_distance(finding.cpu)};
    print("percpu: byte {} of an object of {} bytes at {}", (byte - finding.object->base).count(),
          finding.object->size.count(), finding.object->base);
    const auto record = record_of(finding.object->base);
    if (!record) {
        print("percpu: who allocated it is not on record any more");
        return;
    }
    print_trace("allocated by", record->allocated);
    print_trace("freed by", record->freed);
}

} // namespace

ExpectedFindings::ExpectedFindings()
{
    const bool others = findings_are_expected.exchange(true, std::memory_order_relaxed);
    PERCIVAL_ASSERT(!others);
    finding_count.store(0, std::memory_order_relaxed);
}

ExpectedFindings::~ExpectedFindings()
{
    findings_are_expected.store(false, std::memory_order_relaxed);
}

u32 ExpectedFindings::count() const
{
    return finding_count.load(std::memory_order_acquire);
}

const Finding& ExpectedFindings::last() const PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    return last_finding;
}

void report(const Finding& finding)
{
    if (findings_are_expected.load(std::memory_order_relaxed))
        return count(finding);
    print("percpu: {} of {} bytes at {}, a {} address, in the copy of cpu {}",
          finding.writes ? "write" : "read", finding.size.count(), finding.access,
          mm::is_percpu_local(finding.access) ? "local" : "global", finding.cpu);
    print_object(finding);
    panic("percpu memory: {}", name_of(finding.wrong));
}

} // namespace percival::percpu::shadow
