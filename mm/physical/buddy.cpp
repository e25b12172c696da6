// SPDX-License-Identifier: BSD-2-Clause
#include "mm/physical/buddy.hpp"

#include <algorithm>

namespace percival::mm {

void Buddy::set_state(u32 index, PageState state)
{
    PageDescriptor& descriptor = descriptors_[index];
    descriptor.store(state.with_poison(descriptor.load().is_poisoned()));
}

void Buddy::push(u32 index, PageOrder order)
{
    u32& first = lists_[order.number()];
    set_state(index, PageState::free(order, PageState::kNoIndex, first));
    if (first != PageState::kNoIndex)
        set_state(first, PageState::free(order, index, descriptors_[first].load().next()));
    first = index;
    free_pages_ += order.pages();
}

void Buddy::remove(u32 index, PageOrder order)
{
    const PageState state = descriptors_[index].load();
    const u32 previous = state.previous();
    const u32 next = state.next();
    if (previous == PageState::kNoIndex)
        lists_[order.number()] = next;
    else
        set_state(previous, PageState::free(order, descriptors_[previous].load().previous(), next));
    if (next != PageState::kNoIndex)
        set_state(next, PageState::free(order, previous, descriptors_[next].load().next()));
    set_state(index, PageState{PageUse::None});
    free_pages_ -= order.pages();
}

void Buddy::free(u32 index, PageOrder order)
{
    while (order < kMaxPageOrder) {
        const u32 buddy = index ^ order.pages();
        if (!descriptors_[buddy].load().is(PageUse::Free, order))
            break;
        remove(buddy, order);
        index = std::min(index, buddy);
        order = order.up();
    }
    push(index, order);
}

void Buddy::free_run(u32 index, u32 pages)
{
    while (pages != 0) {
        // Take the largest block that is aligned here and not longer than the run.
        const auto aligned = static_cast<unsigned>(std::countr_zero(index));
        const auto fitting = static_cast<unsigned>(std::bit_width(pages)) - 1;
        const PageOrder order{std::min({aligned, fitting, kMaxPageOrder.number()})};
        free(index, order);
        index += order.pages();
        pages -= order.pages();
    }
}

std::optional<u32> Buddy::allocate(PageOrder order)
{
    PageOrder found = order;
    while (found <= kMaxPageOrder && lists_[found.number()] == PageState::kNoIndex)
        found = found.up();
    if (found > kMaxPageOrder)
        return std::nullopt;
    const u32 index = lists_[found.number()];
    remove(index, found);
    while (found > order) {
        found = found.down();
        push(index + found.pages(), found);
    }
    set_state(index, PageState{PageUse::Allocated, order});
    return index;
}

} // namespace percival::mm
