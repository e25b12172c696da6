// SPDX-License-Identifier: BSD-2-Clause
// A strict model of a virtio-mem function: it demands the order and the widths of accesses that the
// specification demands, and answers late. Its view of memory is as weak as the architecture allows: it sees
// a store for sure only once a barrier has ordered it before a later one that it sees, and what it writes
// itself may show late to a CPU that reads without a barrier.
#pragma once

#include "kernel/virtio_mem/memory_device.hpp"
#include "virtio/pci_model.hpp"

#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <vector>

namespace percival {

// What the kernel has as RAM, which it gets and loses through mm::add_memory() and mm::remove_memory().
struct HotMemoryModel {
    std::set<u64> added{};             // the addresses of ranges
    Bytes unit{};                      // their size, the same for all
    std::vector<u64> order{};          // the addresses as they were added
    std::function<u64(u64)> in_use{};  // how many pages of the range at that address
    std::optional<u32> refuse_after{}; // how many ranges may be added
    u32 removals{0};                   // tried
};
inline HotMemoryModel hot_memory;

class VirtioMemModel final : public PciFunctionModel {
public:
    static constexpr u64 kQueueAddress = 0x4800'0000; // where the device finds the queue's page
    static constexpr u64 kBlock = 2 << 20;
    static constexpr u64 kRegion = 0x1'0000'0000;

    explicit VirtioMemModel(u64 region_size = 256 << 20);

    u64 read_register(u32 bar, u64 offset, u32 bits) override;
    void write_register(u32 bar, u64 offset, u64 value, u32 bits) override;
    // A barrier of the CPU.
    void order(arch::Shareability shareability, arch::Access access);
    // Lets the driver's sleep pass.
    void elapse(u64 nanoseconds);

    // Requests another size, as a user does.
    void request(u64 size);
    bool is_plugged(u64 address) const { return blocks[(address - region) / block_size]; }
    u64 plugged() const;

    VirtioQueuePage page{};

    // What the device says of itself.
    u64 offered{kVirtioVersion1 | 3};
    u64 block_size{kBlock};
    u64 region{kRegion};
    u64 region_size;
    u64 usable;
    u64 requested{0};
    u16 node{0};
    std::vector<bool> blocks; // plugged
    u16 max_queue_size{128};
    u16 queues{1};
    u16 notify_offset{0};
    u64 accepted{0};

    // How it misbehaves.
    u32 resets_late{3}; // reads of the status before a reset is over
    bool never_resets{false};
    bool refuses_features{false};
    bool queue_stays_enabled{false};
    u64 answers_after{2'000'000}; // ns
    bool never_answers{false};
    bool needs_reset{false};
    std::deque<u16> answers{}; // instead of the right ones
    std::optional<u32> used_id{};
    std::optional<u32> used_length{};
    u16 index_step{1};
    std::function<void()> before_read{}; // of the configuration
    u32 generation{0};
    u32 requests{0};
    std::vector<u16> kinds{}; // of the requests

private:
    struct Queue {
        u16 size{0};
        u16 enabled{0};
        u64 descriptors{0};
        u64 available{0};
        u64 used{0};
    };

    u64 read_common(u64 offset, u32 bits);
    void write_common(u64 offset, u64 value, u32 bits);
    void write_status(u8 value);
    u64 read_configuration(u64 offset, u32 bits);
    void take_request();
    u16 answer(const VirtioQueuePage& seen);
    void finish();

    u8 status_{0x47}; // as a predecessor may leave it
    u32 reset_reads_{0};
    u32 device_select_{0};
    u32 driver_select_{0};
    u16 queue_select_{0};
    Queue queue_{};
    std::deque<VirtioQueuePage> seen_{};    // the memory at each barrier for stores, since the last request
    u16 taken_{0};                          // requests so far
    std::optional<u64> answer_due_{};       // in ns
    std::optional<VirtioQueuePage> late_{}; // what the CPU sees of the answer once it orders its reads
    u64 time_{0};
};

// The bus with the model as device 1.
class VirtioBusModel final : public PciBusModel {
public:
    explicit VirtioBusModel(VirtioMemModel& model) : device{model} { add(1, 0, model); }
    void dmb(arch::Shareability shareability, arch::Access access) override
    {
        device.order(shareability, access);
    }
    VirtioMemModel& device;
};

} // namespace percival
