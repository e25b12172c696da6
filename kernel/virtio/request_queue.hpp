// SPDX-License-Identifier: BSD-2-Clause
// A split virtqueue (Virtual I/O Device 1.2, 2.7) that has one request at a time: bytes for the device, and
// room for its answer. Threads, one at a time; waiting blocks.
//
// INV-request_queue-1: the device may write to the memory of a queue until it is reset. A queue that was
//     given to a device never gives its memory back.
#pragma once

#include "kernel/virtio/device.hpp"

#include <cstddef>
#include <optional>
#include <span>

namespace percival {

// What the device accesses. It fits in every page.
struct VirtioQueuePage {
    static constexpr u16 kEntries = 2; // a request, and its answer
    static constexpr std::size_t kMessage = 64;

    struct Descriptor {
        u64 address;
        u32 length;
        u16 flags;
        u16 next;
    };
    struct Available {
        u16 flags;
        u16 index;
        u16 ring[kEntries];
        u16 used_event;
    };
    struct UsedEntry {
        u32 id;
        u32 length;
    };
    struct Used {
        u16 flags;
        u16 index;
        UsedEntry ring[kEntries];
        u16 available_event;
    };

    alignas(16) Descriptor descriptors[kEntries];
    alignas(4) Available available;
    alignas(4) Used used;
    alignas(16) std::byte request[kMessage];
    alignas(16) std::byte answer[kMessage];
};

class RequestQueue {
public:
    constexpr RequestQueue() = default;
    // `page` is zeroed, and the device knows it as `address`.
    RequestQueue(VirtioQueuePage& page, PhysAddr address) : page_{&page}, address_{address} {}

    VirtioQueueMemory memory() const;

    // Sends the request and waits for the answer, which fills all of `answer`. An error is the end of a
    // sentence, such as "does not answer"; the queue must not be used again after one.
    VirtioResult exchange(const VirtioDevice& device, std::span<const std::byte> request,
                          std::span<std::byte> answer);

private:
    VirtioQueuePage* page_{nullptr};
    PhysAddr address_{};
    u16 sent_{0}; // requests so far, modulo 2^16
};

} // namespace percival
