// SPDX-License-Identifier: BSD-2-Clause
#include "memory_order/support/weak_memory.hpp"

#include <algorithm>
#include <cstring>

namespace percival::testing {
namespace {

// Returns the bytes of `value`, which belongs to `whole`, that belong to `part`.
u64 part_of(Span whole, u64 value, Span part)
{
    const u64 shifted = value >> ((part.address - whole.address) * 8);
    return part.size == 8 ? shifted : shifted & ((u64{1} << (part.size * 8)) - 1);
}

} // namespace

u64 read_bytes(Span span)
{
    u64 value = 0;
    std::memcpy(&value, reinterpret_cast<const void*>(span.address), span.size);
    return value;
}

void write_bytes(Span span, u64 value)
{
    std::memcpy(reinterpret_cast<void*>(span.address), &value, span.size);
}

// Divides the location of the word that contains `at` in its middle, with its history and its late stores.
void WeakMemory::divide(std::vector<Cell>& word, Address at)
{
    for (std::size_t i = 0; i < word.size(); ++i) {
        const Span whole = word[i].span;
        if (at <= whole.address || at >= whole.address + whole.size)
            continue;
        const Span low{whole.address, static_cast<u32>(at - whole.address)};
        const Span high{at, whole.size - low.size};
        Cell upper{high, word[i].messages};
        for (Message& message : upper.messages)
            message.value = part_of(whole, message.value, high);
        for (Message& message : word[i].messages)
            message.value = part_of(whole, message.value, low);
        word[i].span = low;
        word.insert(word.begin() + static_cast<std::ptrdiff_t>(i) + 1, std::move(upper));
        for (Observer& observer : observers_) {
            if (const auto found = observer.coherence.find(low.address); found != observer.coherence.end())
                observer.coherence[high.address] = found->second;
            for (std::size_t n = 0; n < observer.late.size(); ++n) {
                if (observer.late[n].span != whole)
                    continue;
                LateStore rest = observer.late[n];
                rest.value = part_of(whole, rest.value, high);
                rest.span = high;
                observer.late[n].value = part_of(whole, observer.late[n].value, low);
                observer.late[n].span = low;
                observer.late.insert(observer.late.begin() + static_cast<std::ptrdiff_t>(n) + 1, rest);
            }
        }
        return;
    }
}

std::vector<Cell*> WeakMemory::cells(Span span)
{
    std::vector<Cell>& word = words_[span.address & ~Address{7}];
    const Address end = span.address + span.size;
    divide(word, span.address);
    divide(word, end);
    // Bytes that no access has touched become locations.
    Address at = span.address;
    for (std::size_t i = 0; at < end; ++i) {
        while (i < word.size() && word[i].span.address < at)
            ++i;
        const Address next = i < word.size() ? std::min(word[i].span.address, end) : end;
        if (next > at) {
            const Span gap{at, static_cast<u32>(next - at)};
            word.insert(word.begin() + static_cast<std::ptrdiff_t>(i), Cell{gap, {{0, read_bytes(gap)}}});
        }
        at = word[i].span.address + word[i].span.size;
    }
    std::vector<Cell*> found;
    for (Cell& cell : word) {
        if (cell.span.overlaps(span))
            found.push_back(&cell);
    }
    return found;
}

std::vector<Message> WeakMemory::readable(u32 cpu, const Cell& cell, Time floor) const
{
    const auto& coherence = observers_[cpu].coherence;
    if (const auto own = coherence.find(cell.span.address); own != coherence.end())
        floor = std::max(floor, own->second);
    std::vector<Message> found;
    for (auto message = cell.messages.rbegin(); message != cell.messages.rend(); ++message) {
        found.push_back(*message);
        if (message->time <= floor)
            break;
    }
    return found;
}

void WeakMemory::note_read(u32 cpu, const Cell& cell, Time time, bool acquires)
{
    Observer& self = observers_[cpu];
    Time& coherent = self.coherence[cell.span.address];
    coherent = std::max(coherent, time);
    self.seen = std::max(self.seen, time);
    if (acquires)
        self.floor = std::max(self.floor, time);
}

const LateStore* WeakMemory::own_late(u32 cpu, const Cell& cell) const
{
    const auto& late = observers_[cpu].late;
    const auto found = std::find_if(late.rbegin(), late.rend(),
                                    [&](const LateStore& store) { return store.span == cell.span; });
    return found == late.rend() ? nullptr : &*found;
}

Time WeakMemory::append(u32 cpu, Cell& cell, u64 value, bool sequential)
{
    Observer& self = observers_[cpu];
    cell.messages.push_back({++now_, value});
    write_bytes(cell.span, value);
    self.coherence[cell.span.address] = now_;
    self.written = now_;
    if (sequential)
        self.sequential = now_;
    return now_;
}

bool WeakMemory::may_pass(u32 cpu, Span span, bool after_all) const
{
    const Observer& self = observers_[cpu];
    return std::none_of(self.late.begin(), self.late.end(), [&](const LateStore& earlier) {
        return after_all || earlier.epoch < self.epoch || earlier.span.overlaps(span);
    });
}

bool WeakMemory::may_drain(u32 cpu, std::size_t index) const
{
    const auto& late = observers_[cpu].late;
    return std::none_of(late.begin(), late.begin() + static_cast<std::ptrdiff_t>(index),
                        [&](const LateStore& earlier) { return must_precede(earlier, late[index]); });
}

void WeakMemory::drain(u32 cpu, std::size_t index)
{
    auto& late = observers_[cpu].late;
    const LateStore store = late[index];
    late.erase(late.begin() + static_cast<std::ptrdiff_t>(index));
    append(cpu, *cells(store.span).front(), store.value, store.sequential);
}

void WeakMemory::acquire_fence(u32 cpu)
{
    Observer& self = observers_[cpu];
    self.floor = std::max(self.floor, self.seen);
}

void WeakMemory::store_fence(u32 cpu)
{
    ++observers_[cpu].epoch;
}

void WeakMemory::waiting_fence(u32 cpu, bool orders_loads)
{
    Observer& self = observers_[cpu];
    self.floor = std::max({self.floor, self.written, orders_loads ? self.seen : 0});
}

} // namespace percival::testing
