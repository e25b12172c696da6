// SPDX-License-Identifier: BSD-2-Clause
// The memory of the explorer (support/order_explorer.hpp): one history of messages for all locations, and
// for each CPU the views and the late stores that decide what it may read and write.
//
// A message is a store that has become visible. Its time is its place in the history, so every CPU sees the
// same order of all stores. That makes the memory multi-copy atomic, as Arm's is.
#pragma once

#include "kernel/lib/types.hpp"

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

namespace percival::testing {

using Time = u32; // of a message; 0 is the value from before the schedule
using Address = std::uintptr_t;

// Bytes within one aligned word of eight.
struct Span {
    Address address;
    u32 size;

    friend constexpr bool operator==(const Span&, const Span&) = default;
    constexpr bool overlaps(const Span& other) const
    {
        return address < other.address + other.size && other.address < address + size;
    }
};

struct Message {
    Time time;
    u64 value;
};

// A location: bytes that all accesses so far took together.
struct Cell {
    Span span;
    std::vector<Message> messages; // in modification order

    const Message& newest() const { return messages.back(); }
};

// A store that its CPU has executed and no other CPU can see yet.
struct LateStore {
    Span span;
    u64 value;
    Time since;      // the time of the memory when it was executed
    u32 epoch;       // the number of store barriers before it
    bool after_all;  // a release: becomes visible after all earlier stores of the CPU
    bool sequential; // a sequentially consistent store
};

// What one CPU has seen and done, in Arm's terms.
struct Observer {
    Time floor{0};      // later loads see at least the memory of this time
    Time seen{0};       // the latest message that it read
    Time written{0};    // its own latest message
    Time sequential{0}; // its own latest sequentially consistent message
    u32 epoch{0};
    std::map<Address, Time> coherence; // by location: the latest message that it read or wrote
    std::vector<LateStore> late;       // in program order
};

class WeakMemory {
public:
    explicit WeakMemory(u32 cpus) : observers_(cpus) {}

    Time now() const { return now_; }
    Observer& observer(u32 cpu) { return observers_[cpu]; }

    // Returns the locations of `span`. Divides existing ones as needed.
    std::vector<Cell*> cells(Span span);

    // Returns the messages that the CPU may read, the newest first. `floor` is what it sees at least.
    std::vector<Message> readable(u32 cpu, const Cell& cell, Time floor) const;
    // Records that the CPU has read a message.
    void note_read(u32 cpu, const Cell& cell, Time time, bool acquires);
    // Returns the CPU's own latest late store to the location, or null.
    const LateStore* own_late(u32 cpu, const Cell& cell) const;
    // Makes a store visible and returns its time.
    Time append(u32 cpu, Cell& cell, u64 value, bool sequential);

    // Returns whether a store that the CPU executes now may become visible before all of its late stores.
    bool may_pass(u32 cpu, Span span, bool after_all) const;
    // Returns whether a late store cannot become visible before an earlier one of its CPU has.
    static bool must_precede(const LateStore& earlier, const LateStore& later)
    {
        return later.after_all || earlier.epoch < later.epoch || earlier.span.overlaps(later.span);
    }
    // Returns whether the late store may become visible now.
    bool may_drain(u32 cpu, std::size_t index) const;
    void drain(u32 cpu, std::size_t index);

    void acquire_fence(u32 cpu);
    void store_fence(u32 cpu);
    // No store of the CPU is late.
    void waiting_fence(u32 cpu, bool orders_loads);

private:
    void divide(std::vector<Cell>& word, Address at);

    Time now_{0};
    std::vector<Observer> observers_;
    std::unordered_map<Address, std::vector<Cell>> words_; // by aligned address; sorted by address
};

// Copy between the real memory and a value whose first byte is the lowest.
u64 read_bytes(Span span);
void write_bytes(Span span, u64 value);

} // namespace percival::testing
