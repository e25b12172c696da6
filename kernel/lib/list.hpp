// SPDX-License-Identifier: BSD-2-Clause
// A list of objects that carry their own links: `class Thing : public ListLink`. An object is on one list at
// a time. No context of its own: the owner of the list sees to exclusion.
//
// An empty list is two null pointers, so that it can be part of percpu data, whose template is copied.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

class ListLink {
public:
    bool is_linked() const { return linked_; }

private:
    template <class T>
    friend class List;

    ListLink* next_{nullptr};
    ListLink* previous_{nullptr};
    bool linked_{false};
};

template <class T>
class List : Immovable {
public:
    constexpr List() = default;

    bool empty() const { return first_ == nullptr; }
    T* front() const { return static_cast<T*>(first_); }
    static T* next(const T& item) { return static_cast<T*>(link(item).next_); }

    void push_back(T& item) { insert_between(last_, item, nullptr); }
    void push_front(T& item) { insert_between(nullptr, item, first_); }
    // Null: at the end.
    void insert_before(T* position, T& item)
    {
        ListLink* const next = position;
        insert_between(next == nullptr ? last_ : next->previous_, item, next);
    }

    void remove(T& item)
    {
        ListLink& own = item;
        (own.previous_ == nullptr ? first_ : own.previous_->next_) = own.next_;
        (own.next_ == nullptr ? last_ : own.next_->previous_) = own.previous_;
        own.linked_ = false;
    }
    // Null: there is none.
    T* pop_front()
    {
        T* const item = front();
        if (item != nullptr)
            remove(*item);
        return item;
    }

private:
    static const ListLink& link(const T& item) { return item; }

    void insert_between(ListLink* previous, ListLink& item, ListLink* next)
    {
        item.previous_ = previous;
        item.next_ = next;
        item.linked_ = true;
        (previous == nullptr ? first_ : previous->next_) = &item;
        (next == nullptr ? last_ : next->previous_) = &item;
    }

    ListLink* first_{nullptr};
    ListLink* last_{nullptr};
};

} // namespace percival
