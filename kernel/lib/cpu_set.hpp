// SPDX-License-Identifier: BSD-2-Clause
// Sets of CPU numbers: a plain value, and a set that many CPUs change at the same time. Any context.
#pragma once

#include "kernel/lib/types.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <optional>

namespace percival {

namespace cpu_set_detail {

inline constexpr u32 kBits = 64;
inline constexpr u32 kWords = kMaxCpus / kBits;

constexpr u32 word_of(CpuId cpu)
{
    return cpu.index() / kBits;
}
constexpr u64 bit_of(CpuId cpu)
{
    return u64{1} << (cpu.index() % kBits);
}

} // namespace cpu_set_detail

class CpuSet {
public:
    constexpr CpuSet() = default;

    static constexpr CpuSet all()
    {
        CpuSet set;
        set.words_.fill(~u64{0});
        return set;
    }
    static constexpr CpuSet only(CpuId cpu)
    {
        CpuSet set;
        set.add(cpu);
        return set;
    }

    constexpr void add(CpuId cpu) { words_[cpu_set_detail::word_of(cpu)] |= cpu_set_detail::bit_of(cpu); }
    constexpr void remove(CpuId cpu) { words_[cpu_set_detail::word_of(cpu)] &= ~cpu_set_detail::bit_of(cpu); }
    constexpr bool contains(CpuId cpu) const
    {
        return (words_[cpu_set_detail::word_of(cpu)] & cpu_set_detail::bit_of(cpu)) != 0;
    }
    [[nodiscard]] constexpr bool empty() const { return words_ == decltype(words_){}; }
    constexpr u32 size() const
    {
        u32 sum = 0;
        for (u64 word : words_)
            sum += static_cast<u32>(std::popcount(word));
        return sum;
    }

    // first() returns the lowest CPU of the set. first_from() returns the lowest CPU not below `from`, or
    // first() if there is none.
    constexpr std::optional<CpuId> first() const { return next_from(0); }
    constexpr std::optional<CpuId> first_from(CpuId from) const
    {
        const auto after = next_from(from.index());
        return after ? after : first();
    }

    // Calls `visit` for each CPU, in ascending order.
    template <class Visit>
    constexpr void for_each(Visit visit) const
    {
        for (auto cpu = first(); cpu; cpu = next_from(cpu->index() + 1))
            visit(*cpu);
    }

    friend constexpr CpuSet operator&(CpuSet left, const CpuSet& right)
    {
        for (u32 i = 0; i < cpu_set_detail::kWords; ++i)
            left.words_[i] &= right.words_[i];
        return left;
    }
    friend constexpr bool operator==(const CpuSet&, const CpuSet&) = default;

private:
    friend class SharedCpuSet;

    constexpr std::optional<CpuId> next_from(u32 index) const
    {
        using namespace cpu_set_detail;
        while (index < kMaxCpus) {
            const u64 rest = words_[index / kBits] >> (index % kBits);
            if (rest != 0)
                return CpuId{index + static_cast<u32>(std::countr_zero(rest))};
            index = (index / kBits + 1) * kBits;
        }
        return {};
    }

    std::array<u64, cpu_set_detail::kWords> words_{};
};

// Each CPU's membership is changed atomically. A copy of the whole set is not a snapshot of one moment.
class SharedCpuSet : Immovable {
public:
    constexpr SharedCpuSet() = default;

    void add(CpuId cpu)
    {
        words_[cpu_set_detail::word_of(cpu)].fetch_or(cpu_set_detail::bit_of(cpu), std::memory_order_acq_rel);
    }
    void remove(CpuId cpu)
    {
        words_[cpu_set_detail::word_of(cpu)].fetch_and(~cpu_set_detail::bit_of(cpu),
                                                       std::memory_order_acq_rel);
    }
    bool contains(CpuId cpu) const
    {
        return (words_[cpu_set_detail::word_of(cpu)].load(std::memory_order_acquire) &
                cpu_set_detail::bit_of(cpu)) != 0;
    }
    // Returns whether some CPU is in both sets.
    bool intersects(const CpuSet& other) const
    {
        for (u32 i = 0; i < cpu_set_detail::kWords; ++i) {
            if ((words_[i].load(std::memory_order_acquire) & other.words_[i]) != 0)
                return true;
        }
        return false;
    }
    // Calls `is_wanted` for each CPU that is in both sets, in ascending order, until it returns true. The
    // sets may change meanwhile.
    template <class IsWanted>
    static void find_common(const SharedCpuSet& left, const SharedCpuSet& right, IsWanted is_wanted)
    {
        for (u32 i = 0; i < cpu_set_detail::kWords; ++i) {
            u64 rest = left.words_[i].load(std::memory_order_acquire);
            if (rest != 0)
                rest &= right.words_[i].load(std::memory_order_acquire);
            for (; rest != 0; rest &= rest - 1) {
                if (is_wanted(CpuId{i * cpu_set_detail::kBits + static_cast<u32>(std::countr_zero(rest))}))
                    return;
            }
        }
    }
    CpuSet copy() const
    {
        CpuSet set;
        for (u32 i = 0; i < cpu_set_detail::kWords; ++i)
            set.words_[i] = words_[i].load(std::memory_order_acquire);
        return set;
    }

private:
    std::array<std::atomic<u64>, cpu_set_detail::kWords> words_{};
};

} // namespace percival
