// SPDX-License-Identifier: BSD-2-Clause
// What the instrumented code has touched: which bytes several CPUs share, the values from before a schedule,
// and memory that is not to be touched any more.
#pragma once

#include "memory_order/support/weak_memory.hpp"

#include <array>
#include <bit>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace percival::testing {

class TouchedMemory {
public:
    // Records an access. Returns whether CPUs share one of the bytes, and one of them writes it. That is
    // learnt over all schedules.
    bool note_access(u32 cpu, Span span, bool writes)
    {
        Word& word = words_[span.address & ~Address{7}];
        bool shared = false;
        for (u32 i = 0; i < span.size; ++i) {
            Byte& byte = word[(span.address & 7) + i];
            const bool known = byte.is_shared();
            byte.users |= static_cast<u8>(1U << cpu);
            byte.written |= writes;
            has_learnt_ |= byte.is_shared() != known;
            shared |= byte.is_shared();
        }
        return shared;
    }
    // Returns whether bytes turned out to be shared since the last call. In the schedules before, accesses to
    // them were no steps.
    bool take_learnt() { return std::exchange(has_learnt_, false); }
    bool has_learnt() const { return has_learnt_; }
    void forget_sharing()
    {
        words_.clear();
        has_learnt_ = false;
    }

    // Keeps the value that a byte had before its first write.
    void note_write(Span span)
    {
        const Address word = span.address & ~Address{7};
        before_.try_emplace(word, read_bytes({word, 8}));
    }
    void restore()
    {
        for (const auto& [word, value] : before_)
            write_bytes({word, 8}, value);
        before_.clear();
        gone_.clear();
    }

    void say_gone(Address address, std::size_t size) { gone_.push_back({address, size}); }
    bool is_gone(Span span) const
    {
        for (const Range& range : gone_) {
            if (span.address < range.address + range.size && range.address < span.address + span.size)
                return true;
        }
        return false;
    }

private:
    struct Byte {
        u8 users{0};
        bool written{false};
        bool is_shared() const { return written && std::popcount(users) > 1; }
    };
    using Word = std::array<Byte, 8>;
    struct Range {
        Address address;
        std::size_t size;
    };

    std::unordered_map<Address, Word> words_;
    std::unordered_map<Address, u64> before_;
    std::vector<Range> gone_;
    bool has_learnt_{false};
};

} // namespace percival::testing
