// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/virtio/request_queue.hpp"

#include "arch/cpu/barrier.hpp"
#include "kernel/lib/patience.hpp"
#include "kernel/sched/thread_switch.hpp"

#include <atomic>
#include <bit>
#include <cstring>

namespace percival {
namespace {

static_assert(std::endian::native == std::endian::little); // so are all fields of virtio 1

constexpr u16 kContinues = 1;
constexpr u16 kForTheDevice = 2; // to write to
constexpr u16 kWithoutInterrupt = 1;

// The layout of the specification, for a queue of two entries.
using Page = VirtioQueuePage;
static_assert(sizeof(Page::Descriptor) == 16 && offsetof(Page::Descriptor, length) == 8);
static_assert(offsetof(Page::Descriptor, flags) == 12 && offsetof(Page::Descriptor, next) == 14);
static_assert(offsetof(Page::Available, index) == 2 && offsetof(Page::Available, ring) == 4);
static_assert(offsetof(Page::Used, index) == 2 && offsetof(Page::Used, ring) == 4);
static_assert(sizeof(Page::UsedEntry) == 8 && offsetof(Page::UsedEntry, length) == 4);
static_assert(sizeof(Page) <= 4096);

// A device on a busy host needs a moment, and may have to find memory first.
constexpr u64 kLookEvery = 1'000'000; // ns
constexpr u64 kPatience = patient_seconds(30, 1) * 1'000'000'000;

} // namespace

VirtioQueueMemory RequestQueue::memory() const
{
    return {.size = Page::kEntries,
            .descriptors = address_ + Bytes{offsetof(Page, descriptors)},
            .available = address_ + Bytes{offsetof(Page, available)},
            .used = address_ + Bytes{offsetof(Page, used)}};
}

VirtioResult RequestQueue::exchange(const VirtioDevice& device, std::span<const std::byte> request,
                                    std::span<std::byte> answer)
{
    std::memcpy(page_->request, request.data(), request.size());
    page_->descriptors[0] = {(address_ + Bytes{offsetof(Page, request)}).raw(),
                             static_cast<u32>(request.size()), kContinues, 1};
    page_->descriptors[1] = {(address_ + Bytes{offsetof(Page, answer)}).raw(),
                             static_cast<u32>(answer.size()), kForTheDevice, 0};
    page_->available.flags = kWithoutInterrupt;
    page_->available.ring[sent_ % Page::kEntries] = 0;
    // The device sees the request before it sees that there is one more.
    arch::dmb<arch::Shareability::OuterShareable, arch::Access::Store>();
    ++sent_;
    std::atomic_ref{page_->available.index}.store(sent_, std::memory_order_relaxed);
    device.notify();

    const std::atomic_ref<u16> done{page_->used.index};
    u16 seen = done.load(std::memory_order_relaxed);
    for (u64 waited = 0; seen != sent_; waited += kLookEvery) {
        if (seen != static_cast<u16>(sent_ - 1))
            return std::unexpected("answers what was not asked");
        if (waited >= kPatience)
            return std::unexpected("does not answer");
        sleep_for_nanoseconds(kLookEvery);
        seen = done.load(std::memory_order_relaxed);
    }
    // The answer is read after the index that says that it is there.
    arch::dmb<arch::Shareability::OuterShareable, arch::Access::Load>();
    const Page::UsedEntry used = page_->used.ring[(sent_ - 1u) % Page::kEntries];
    if (used.id != 0)
        return std::unexpected("answers what was not asked");
    if (used.length < answer.size())
        return std::unexpected("answers with too few bytes");
    std::memcpy(answer.data(), page_->answer, answer.size());
    return {};
}

} // namespace percival
