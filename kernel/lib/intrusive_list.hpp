// SPDX-License-Identifier: BSD-2-Clause
// A list through objects that carry their own links, one hook for each list an object may be on:
//
//      struct ByAge;
//      struct Job : ListHook<Job, ByAge> { ... };
//      IntrusiveList<Job, ByAge> jobs;
//
// Nothing is owned or allocated, and every operation takes constant time. The caller serializes calls. Any
// context, on the host too.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

template <class T, class Tag>
class IntrusiveList;

template <class T, class Tag>
class ListHook {
public:
    constexpr ListHook() = default;
    ListHook(const ListHook&) = delete;
    ListHook& operator=(const ListHook&) = delete;

private:
    friend IntrusiveList<T, Tag>;

    T* previous_{nullptr};
    T* next_{nullptr};
};

template <class T, class Tag>
class IntrusiveList : Immovable {
public:
    constexpr IntrusiveList() = default;

    constexpr bool empty() const { return first_ == nullptr; }
    constexpr T* first() const { return first_; }
    // The one behind an item of this list; null behind the last.
    static constexpr T* after(const T& item) { return hook(item).next_; }

    // Of an item that is on no list by this hook.
    constexpr void push_front(T& item)
    {
        hook(item).previous_ = nullptr;
        hook(item).next_ = first_;
        (first_ == nullptr ? last_ : hook(*first_).previous_) = &item;
        first_ = &item;
    }
    constexpr void push_back(T& item)
    {
        hook(item).previous_ = last_;
        hook(item).next_ = nullptr;
        (last_ == nullptr ? first_ : hook(*last_).next_) = &item;
        last_ = &item;
    }
    // Of an item of this list.
    constexpr void remove(T& item)
    {
        T* const previous = hook(item).previous_;
        T* const next = hook(item).next_;
        (previous == nullptr ? first_ : hook(*previous).next_) = next;
        (next == nullptr ? last_ : hook(*next).previous_) = previous;
    }

private:
    static constexpr ListHook<T, Tag>& hook(T& item) { return item; }
    static constexpr const ListHook<T, Tag>& hook(const T& item) { return item; }

    T* first_{nullptr};
    T* last_{nullptr};
};

} // namespace percival
