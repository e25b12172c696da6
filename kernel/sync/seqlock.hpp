// SPDX-License-Identifier: BSD-2-Clause
// A value that is read far more often than written: readers take no lock and write nothing, they look whether
// a writer was at it meanwhile and read again if so. Any context.
//
// The value is kept as words that are loaded and stored atomically, one by one: a reader that overlaps a writer
// sees a mixture, never undefined behaviour, and drops it.
//
// INV-seqlock-1: the sequence is odd while a writer is at it. A writer has interrupts masked, so that no reader
//                on its own CPU can wait for it.
#pragma once

#include "kernel/sync/spinlock.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <type_traits>

namespace percival {

// No user in the kernel yet.
template <class T>
class Seqlock : Immovable {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(u64) == 0);

public:
    constexpr Seqlock() = default;

    T read() const
    {
        for (;; arch::relax()) {
            const u32 before = sequence_.load(std::memory_order_acquire);
            if (before % 2 != 0)
                continue;
            const T value = load();
            std::atomic_thread_fence(std::memory_order_acquire); // the words before the second look
            if (sequence_.load(std::memory_order_relaxed) == before)
                return value;
        }
    }

    // `change(T&)` gets a copy; it becomes the value.
    template <class Change>
    void write(Change change)
    {
        const IrqSpinGuard guard{lock_};
        T value = load();
        change(value);
        const u32 before = sequence_.load(std::memory_order_relaxed);
        sequence_.store(before + 1, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_release); // odd before the words
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
