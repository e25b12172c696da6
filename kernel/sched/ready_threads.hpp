// SPDX-License-Identifier: BSD-2-Clause
// The threads that wait for one CPU: one list for each priority, and a mask of the lists that are not empty.
// The caller serializes all calls. T derives from ListLink<> and has a `priority`.
#pragma once

#include "kernel/lib/list.hpp"
#include "kernel/lib/types.hpp"

#include <array>
#include <bit>

namespace percival {

inline constexpr u32 kPriorities = 32;

template <class T>
class ReadyThreads : Immovable {
public:
    constexpr ReadyThreads() = default;

    u32 size() const { return size_; }

    // Adds a thread behind the others of its priority.
    void push_back(T& thread)
    {
        lists_[index_of(thread)].push_back(thread);
        note_added(thread);
    }
    // Adds a thread before the others of its priority: it was preempted and has time left.
    void push_front(T& thread)
    {
        lists_[index_of(thread)].push_front(thread);
        note_added(thread);
    }
    // Removes a thread that is here.
    void remove(T& thread)
    {
        lists_[index_of(thread)].remove(thread);
        note_removed(index_of(thread));
    }
    // Removes and returns the first thread of the highest priority, or returns null if there is no thread.
    T* take_highest()
    {
        if (present_ == 0)
            return nullptr;
        const auto index = static_cast<u32>(31 - std::countl_zero(present_));
        T* const thread = lists_[index].pop_front();
        note_removed(index);
        return thread;
    }
    // Returns the first thread for which `suits(thread)` holds, from the highest priority down, or null.
    template <class Suits>
    T* highest_that(Suits suits) const
    {
        for (u32 present = present_; present != 0;) {
            const auto index = static_cast<u32>(31 - std::countl_zero(present));
            for (T* thread = lists_[index].front(); thread != nullptr; thread = List<T>::next(*thread)) {
                if (suits(*thread))
                    return thread;
            }
            present &= ~(u32{1} << index);
        }
        return nullptr;
    }

private:
    static u32 index_of(const T& thread) { return static_cast<u32>(thread.priority); }
    void note_added(const T& thread)
    {
        present_ |= u32{1} << index_of(thread);
        ++size_;
    }
    void note_removed(u32 index)
    {
        if (lists_[index].empty())
            present_ &= ~(u32{1} << index);
        --size_;
    }

    u32 present_{0};
    u32 size_{0};
    std::array<List<T>, kPriorities> lists_{};
};

} // namespace percival
