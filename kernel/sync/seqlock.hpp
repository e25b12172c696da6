// SPDX-License-Identifier: BSD-2-Clause
// A sequence lock protects a value that is read far more often than written. Readers take no lock and write
// nothing: they check whether a writer changed the value meanwhile, and then read again. Any context.
//
// The value is kept as words that are loaded and stored atomically, one by one. A reader that overlaps a
// writer gets a mixture of old and new words and drops it; its behaviour is defined all the same.
//
// INV-seqlock-1: the sequence is odd while a writer changes the value. The writer has interrupts masked, so
//                no reader on its own CPU can wait for it.
#pragma once

#include "kernel/sync/spinlock.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <type_traits>

namespace percival {

// The kernel itself does not use it yet.
template <class T>
class Seqlock : Immovable {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(u64) == 0);

public:
    constexpr Seqlock() = default;

    // Returns a value that some write() stored, or the first one. Spins while a writer is active.
    T read() const
    {
        for (;; arch::relax()) {
            const u32 before = sequence_.load(std::memory_order_acquire);
            if (before % 2 != 0)
                continue;
            const T value = load();
            // Orders the loads of the words before the second load of the sequence.
            std::atomic_thread_fence(std::memory_order_acquire);
            if (sequence_.load(std::memory_order_relaxed) == before)
                return value;
        }
    }

    // Calls `change(T&)` on a copy of the value, and stores that copy. Writers exclude each other.
    template <class Change>
    void write(Change change)
    {
        const IrqSpinGuard guard{lock_}; // INV-seqlock-1
        T value = load();
        change(value);
        const u32 before = sequence_.load(std::memory_order_relaxed);
        sequence_.store(before + 1, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_release); // the odd sequence before the words
        store(value);
        sequence_.store(before + 2, std::memory_order_release);
    }

private:
    using Words = std::array<u64, sizeof(T) / sizeof(u64)>;

    T load() const
    {
        Words words;
        for (std::size_t i = 0; i < words.size(); ++i)
            words[i] = words_[i].load(std::memory_order_relaxed);
        return std::bit_cast<T>(words);
    }
    void store(const T& value)
    {
        const Words words = std::bit_cast<Words>(value);
        for (std::size_t i = 0; i < words.size(); ++i)
            words_[i].store(words[i], std::memory_order_relaxed);
    }

    SpinLock lock_;
    std::atomic<u32> sequence_{0};
    std::array<std::atomic<u64>, sizeof(T) / sizeof(u64)> words_{};
};

} // namespace percival
