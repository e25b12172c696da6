// SPDX-License-Identifier: BSD-2-Clause
// The memory device of virtio (Virtual I/O Device 1.3, 5.15): a region of physical addresses in blocks, of
// which some have memory (plugged) and the others none. The device says how much memory it wants plugged, and
// the driver chooses the blocks. Threads, one at a time; requests block.
//
// INV-memory_device-1: what is not plugged is not accessed, whether the device would allow that or not. An
//     access may fail, or may cost the host memory.
#pragma once

#include "kernel/virtio/request_queue.hpp"

namespace percival {

inline constexpr u16 kVirtioMemoryDevice = 24;

// What the device says of itself. The first three do not change.
struct MemoryDeviceConfiguration {
    Bytes block_size{};
    PhysRange region{};
    std::optional<u32> node{}; // NUMA node; nothing: the device does not say
    Bytes usable{};            // so much of the region, from its start, may be plugged now
    Bytes plugged{};
    Bytes requested{};
};

class MemoryDevice {
public:
    // What the device does with a request that reached it.
    enum class Answer : u8 { Done, Refused, Busy, Error };
    enum class State : u8 { Plugged, Unplugged, Mixed };

    constexpr MemoryDevice() = default;
    constexpr MemoryDevice(const VirtioDevice& device, const RequestQueue& queue)
        : device_{device}, queue_{queue}
    {
    }

    // Brings the device up from its reset on. An error is the end of a sentence.
    VirtioResult start();
    // Gives the device up.
    void give_up() const { device_.fail(); }

    // Returns what the device says now. An error is the end of a sentence, for a device that contradicts the
    // specification or itself.
    std::expected<MemoryDeviceConfiguration, std::string_view> configuration() const;

    // Ask the device to change or tell the state of blocks: `range` consists of whole ones. An error is the
    // end of a sentence; the device must not be used again after one.
    using Answered = std::expected<Answer, std::string_view>;
    Answered plug(PhysRange range) { return ask(Request::Plug, range); }
    Answered unplug(PhysRange range) { return ask(Request::Unplug, range); }
    Answered unplug_all() { return ask(Request::UnplugAll, {}); }
    std::expected<State, std::string_view> state(PhysRange range);

private:
    enum class Request : u16 { Plug = 0, Unplug = 1, UnplugAll = 2, State = 3 };
    struct Message;

    Answered ask(Request request, PhysRange range);
    std::expected<Message, std::string_view> exchange(Request request, PhysRange range);

    VirtioDevice device_{};
    RequestQueue queue_{};
    Bytes block_size_{};
    bool says_node_{false};
};

} // namespace percival
