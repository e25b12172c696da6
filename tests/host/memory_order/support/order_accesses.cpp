// SPDX-License-Identifier: BSD-2-Clause
// The accesses of the explorer's CPUs.
#include "memory_order/support/order_explorer.hpp"
#include "memory_order/support/static_memory.hpp"

#include <algorithm>
#include <functional>

namespace percival::testing {
namespace {

// Calls visit(Span) for the part of the bytes in each word.
template <class Visit>
void for_each_part(Address address, u32 size, Visit visit)
{
    const Address end = address + size;
    while (address < end) {
        const Address next = std::min((address & ~Address{7}) + 8, end);
        visit(Span{address, static_cast<u32>(next - address)});
        address = next;
    }
}

u32 shift_of(Span part, Span whole)
{
    return static_cast<u32>(part.address - whole.address) * 8;
}

// Returns what the part holds when the whole holds the value.
u64 part_of(u64 value, Span whole, Span part)
{
    const u64 mask = part.size == 8 ? ~u64{0} : (u64{1} << (part.size * 8)) - 1;
    return (value >> shift_of(part, whole)) & mask;
}

} // namespace

void OrderExplorer::note(const char* what, Span span, u64 value, const void* pc, const char* how)
{
    trace_.add({executing_, what, span.address, span.size, value, how, pc});
}

void OrderExplorer::say_gone(const void* object, std::size_t size)
{
    const Address begin = reinterpret_cast<Address>(object);
    touched_.say_gone(begin, size);
    // Whoever uses the memory next has got it from this CPU, after its stores.
    std::erase_if(self().late, [&](const LateStore& store) {
        return store.span.address >= begin && store.span.address < begin + size;
    });
}

void OrderExplorer::check_alive(Span span)
{
    if (touched_.is_gone(span))
        fail("an object that is gone is used");
    for (u32 owner = 0; owner < cpu_count_; ++owner) {
        if (owner != executing_ && is_dead_stack(owner, span))
            fail("the stack of a function that has returned is used");
    }
}

bool OrderExplorer::is_step(Span span, bool writes)
{
    if (!running_ && !preparing_)
        return false; // the test itself
    if (writes && is_static(span.address))
        touched_.note_write(span);
    if (!running_)
        return false;
    check_alive(span);
    return touched_.note_access(executing_, span, writes);
}

void OrderExplorer::enter(const void* frame)
{
    settle();
    // The frame begins with two words: the caller's frame, and the return address.
    if (in_fiber_)
        cpu().stack_pointer = reinterpret_cast<Address>(frame) + 2 * sizeof(void*);
}

void OrderExplorer::leave(const void* frame)
{
    enter(frame);
    if (!in_fiber_)
        return;
    // The next function that uses this part of the stack may keep there what no hook sees.
    const Address end = *static_cast<const Address*>(frame);
    std::erase_if(self().late, [&](const LateStore& store) { return is_on_stack(store.span, end); });
}

// Returns whether the bytes are on the stack of the executing CPU, below `end`.
bool OrderExplorer::is_on_stack(Span span, Address end)
{
    return span.address < end && span.address > cpu().stack_base - kStack;
}

void OrderExplorer::settle()
{
    for (const Span span : plain_loads_)
        write_bytes(span, memory_->cells(span).front()->newest().value);
    plain_loads_.clear();
    for (const PlainStore& store : plain_stores_) {
        Cell& cell = *memory_->cells(store.span).front();
        const u64 value = read_bytes(store.span);
        if (store.late) {
            write_bytes(store.span, cell.newest().value);
            store_late(cell, value, Order::Relaxed, store.pc);
        } else {
            store_now(cell, value, Order::Relaxed, store.pc);
        }
    }
    plain_stores_.clear();
}

void OrderExplorer::store_now(Cell& cell, u64 value, Order order, const void* pc)
{
    note("store", cell.span, value, pc, releases(order) ? "release" : "");
    memory_->append(executing_, cell, value, order == Order::SeqCst);
}

void OrderExplorer::store_late(const Cell& cell, u64 value, Order order, const void* pc)
{
    note("store", cell.span, value, pc, releases(order) ? "release, late" : "late");
    self().late.push_back(
        {cell.span, value, memory_->now(), self().epoch, releases(order), order == Order::SeqCst});
}

// Returns whether a store of this CPU becomes late: it has to, or the explorer chooses so.
bool OrderExplorer::becomes_late(Span span, bool after_all)
{
    if (!memory_->may_pass(executing_, span, after_all))
        return true;
    if (!may_deviate(&Bounds::late_stores) || choices_.choose(2) == 0)
        return false;
    deviate(&Bounds::late_stores);
    return true;
}

// Returns what this CPU reads at a location.
u64 OrderExplorer::read(const Cell& cell, Order order, bool newest_only, const void* pc)
{
    if (const LateStore* const own = memory_->own_late(executing_, cell)) {
        note("load", cell.span, own->value, pc, "own late store");
        cpu().reads.push_back({cell.span, 0});
        return own->value;
    }
    const Time floor = order == Order::SeqCst ? std::max(self().floor, self().sequential) : self().floor;
    const std::vector<Message> options = memory_->readable(executing_, cell, floor);
    const bool fixed = newest_only || options.size() < 2 || !may_deviate(&Bounds::stale_reads);
    const u32 chosen = fixed ? 0 : choices_.choose(static_cast<u32>(options.size()));
    if (chosen != 0)
        deviate(&Bounds::stale_reads);
    const Message message = options[chosen];
    note("load", cell.span, message.value, pc, chosen != 0 ? "an old value" : "");
    memory_->note_read(executing_, cell, message.time, acquires(order));
    cpu().reads.push_back({cell.span, message.time});
    return message.value;
}

void OrderExplorer::before_load(Address address, u32 size, const void* pc)
{
    bool is_shared = false;
    for_each_part(address, size, [&](Span part) { is_shared |= is_step(part, false); });
    if (!is_shared)
        return;
    wait_before({Step::Kind::Load, {address, size}});
    for_each_part(address, size, [&](Span part) {
        for (const Cell* cell : memory_->cells(part)) {
            const u64 value = read(*cell, Order::Relaxed, false, pc);
            if (value == cell->newest().value)
                continue;
            write_bytes(cell->span, value);
            plain_loads_.push_back(cell->span);
        }
    });
}

void OrderExplorer::before_store(Address address, u32 size, const void* pc)
{
    bool is_shared = false;
    for_each_part(address, size, [&](Span part) { is_shared |= is_step(part, true); });
    if (!is_shared)
        return;
    wait_before({Step::Kind::Store, {address, size}});
    for_each_part(address, size, [&](Span part) {
        for (const Cell* cell : memory_->cells(part))
            plain_stores_.push_back({cell->span, becomes_late(cell->span, false), pc});
    });
}

u64 OrderExplorer::load(Span span, Order order, const void* pc)
{
    if (!is_step(span, false))
        return read_bytes(span);
    wait_before({order == Order::SeqCst ? Step::Kind::SequentialLoad : Step::Kind::Load, span});
    const std::vector<Cell*> cells = memory_->cells(span);
    u64 value = 0;
    for (const Cell* cell : cells)
        value |= read(*cell, order, cells.size() > 1, pc) << shift_of(cell->span, span);
    return value;
}

void OrderExplorer::store(Span span, u64 value, Order order, const void* pc)
{
    if (!is_step(span, true))
        return write_bytes(span, value);
    wait_before({Step::Kind::Store, span});
    for (Cell* cell : memory_->cells(span)) {
        const u64 part = part_of(value, span, cell->span);
        if (becomes_late(cell->span, releases(order)))
            store_late(*cell, part, order, pc);
        else
            store_now(*cell, part, order, pc);
    }
}

u64 OrderExplorer::update(Span span, Order order, Order failed, std::function<std::optional<u64>(u64)> change,
                          const void* pc)
{
    if (!is_step(span, true)) {
        const u64 old = read_bytes(span);
        if (const auto value = change(old))
            write_bytes(span, *value);
        return old;
    }
    wait_before({releases(order) ? Step::Kind::ReleasingUpdate : Step::Kind::Update, span});
    const std::vector<Cell*> cells = memory_->cells(span);
    u64 old = 0;
    if (cells.size() == 1) {
        // The newest message, or an older one if the update fails with it.
        std::vector<Message> options = memory_->readable(executing_, *cells.front(), self().floor);
        std::erase_if(options, [&](const Message& message) {
            return message.time != cells.front()->newest().time && change(message.value).has_value();
        });
        const bool fixed = options.size() < 2 || !may_deviate(&Bounds::stale_reads);
        const u32 chosen = fixed ? 0 : choices_.choose(static_cast<u32>(options.size()));
        if (chosen != 0)
            deviate(&Bounds::stale_reads);
        const Message message = options[chosen];
        old = message.value;
        const bool writes = change(old).has_value();
        memory_->note_read(executing_, *cells.front(), message.time, acquires(writes ? order : failed));
        cpu().reads.push_back({span, message.time});
    } else {
        for (const Cell* cell : cells) {
            memory_->note_read(executing_, *cell, cell->newest().time, acquires(order));
            old |= cell->newest().value << shift_of(cell->span, span);
        }
    }
    note("update of", span, old, pc);
    const auto value = change(old);
    if (!value)
        return old;
    for (Cell* cell : cells)
        store_now(*cell, part_of(*value, span, cell->span), order, pc);
    return old;
}

void OrderExplorer::fence(Fence fence, const void* frame)
{
    enter(frame);
    if (running_ && orders_.remains(frame))
        do_fence(fence, static_cast<const void* const*>(frame)[1]);
}

void OrderExplorer::do_fence(Fence fence, const void* pc)
{
    switch (fence) {
    case Fence::Acquire:
        memory_->acquire_fence(executing_);
        break;
    case Fence::Release:
        memory_->store_fence(executing_);
        break;
    case Fence::Stores:
    case Fence::Full:
        if (!self().late.empty())
            wait_before({Step::Kind::Fence, {0, 0}});
        memory_->waiting_fence(executing_, fence == Fence::Full);
        break;
    }
    note("fence", {0, 0}, 0, pc,
         fence == Fence::Acquire   ? "acquire"
         : fence == Fence::Release ? "release"
         : fence == Fence::Stores  ? "stores"
                                   : "full");
}

void OrderExplorer::poll(const void* pc)
{
    enter(__builtin_frame_address(0));
    if (!running_)
        return;
    note("poll", {0, 0}, 0, pc);
    wait_before({Step::Kind::Poll, {0, 0}});
    for (const Read& read : cpu().reads) {
        for (const Cell* cell : memory_->cells(read.span)) {
            Time& coherent = self().coherence[cell->span.address];
            coherent = std::max(coherent, cell->newest().time);
        }
    }
    cpu().reads.clear();
}

void OrderExplorer::interrupt(u32 cpu, void (*handler)(), const void* pc)
{
    enter(__builtin_frame_address(0));
    do_fence(Fence::Stores, pc);
    note("interrupts", {0, 0}, 0, pc);
    for (Interrupt& pending : cpus_[cpu].interrupts) {
        if (pending.handler == handler) {
            pending.sent = memory_->now();
            return;
        }
    }
    cpus_[cpu].interrupts.push_back({handler, memory_->now()});
}

} // namespace percival::testing
