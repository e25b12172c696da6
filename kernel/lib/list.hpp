// SPDX-License-Identifier: BSD-2-Clause
// A doubly linked list of objects that carry their own links: `class Thing : public ListLink<>`. An object
// that is on several lists at the same time has one link for each, distinguished by a tag:
//
//      struct ByAge;
//      struct Job : ListLink<>, ListLink<ByAge> { ... };
//      List<Job> jobs;
//      List<Job, ByAge> oldest_first;
//
// A list neither owns nor allocates anything, and every operation takes constant time. The caller serializes
// calls. Any context, on the host too.
//
// An empty list consists of two null pointers, so that it can be part of percpu data, whose initial value is
// copied for each CPU.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

template <class Tag = void>
class ListLink {
public:
    constexpr ListLink() = default;
    ListLink(const ListLink&) = delete;
    ListLink& operator=(const ListLink&) = delete;

    // Returns whether the object is on a list by this link.
    bool is_linked() const { return linked_; }

private:
    template <class T, class ListTag>
    friend class List;

    ListLink* next_{nullptr};
    ListLink* previous_{nullptr};
    bool linked_{false};
};

template <class T, class Tag = void>
class List : Immovable {
    using Link = ListLink<Tag>;

public:
    constexpr List() = default;

    [[nodiscard]] bool empty() const { return first_ == nullptr; }
    // Returns the first item, or null if the list is empty.
    T* front() const { return static_cast<T*>(first_); }
    // Returns the item after `item`, which is on a list, or null if that is the last.
    static T* next(const T& item) { return static_cast<T*>(link(item).next_); }

    // Adds an item, which must be on no list by this link, at the end or at the front.
    void push_back(T& item) { insert_between(last_, item, nullptr); }
    void push_front(T& item) { insert_between(nullptr, item, first_); }
    // Adds an item before `position`, or at the end if `position` is null.
    void insert_before(T* position, T& item)
    {
        Link* const next = position;
        insert_between(next == nullptr ? last_ : next->previous_, item, next);
    }

    // Removes an item of this list.
    void remove(T& item)
    {
        Link& own = item;
        (own.previous_ == nullptr ? first_ : own.previous_->next_) = own.next_;
        (own.next_ == nullptr ? last_ : own.next_->previous_) = own.previous_;
        own.linked_ = false;
    }
    // Removes and returns the first item, or returns null if the list is empty.
    T* pop_front()
    {
        Link* const item = first_;
        if (item == nullptr)
            return nullptr;
        first_ = item->next_;
        (first_ == nullptr ? last_ : first_->previous_) = nullptr;
        item->linked_ = false;
        return static_cast<T*>(item);
    }

private:
    static const Link& link(const T& item) { return item; }

    void insert_between(Link* previous, Link& item, Link* next)
    {
        item.previous_ = previous;
        item.next_ = next;
        item.linked_ = true;
        (previous == nullptr ? first_ : previous->next_) = &item;
        (next == nullptr ? last_ : next->previous_) = &item;
    }

    Link* first_{nullptr};
    Link* last_{nullptr};
};

} // namespace percival
