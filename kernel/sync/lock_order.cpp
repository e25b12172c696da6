// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/sync/lock_order.hpp"

#include "arch/cpu/processor.hpp"
#include "kernel/lib/panic.hpp"
#include "kernel/lib/symbols.hpp"
#include "kernel/sync/inversion_trap.hpp"
#include "kernel/sync/lock_graph.hpp"
#include "kernel/sync/spinlock.hpp"
#include "kernel/sync/thread_context.hpp"

#ifdef PERCIVAL_DEBUG

namespace percival {
namespace {

constexpr u32 kClasses = 64;

struct Declared {
    const char* file{nullptr};
    u32 line{0};
};

constinit UncheckedSpinLock lock;
constinit u32 class_count PERCIVAL_GUARDED_BY(lock){0};
// Changed under `lock`. LockGraph::was_seen() reads the graph without it, and report() reads a class without
// it: once a class has an index, its declaration no longer changes.
constinit LockGraph<kClasses> graph;
constinit std::array<Declared, kClasses> classes{};

HeldLocks& held_locks()
{
    return thread_context().held_locks;
}

void put_site(Writer& out, VirtAddr site)
{
    put_address(out, site, AddressKind::Return);
}

// Hands an inversion to the InversionTrap of the running thread, or panics if there is none.
void report(const LockInversion& inversion)
{
    if (auto* const trap = held_locks().trap) {
        *trap = inversion;
        return;
    }
    std::array<std::array<char, 100>, 4> rooms;
    std::array<std::string_view, 4> sites;
    const VirtAddr addresses[] = {inversion.now.wanted_at, inversion.now.held_at, inversion.earlier.wanted_at,
                                  inversion.earlier.held_at};
    for (u32 i = 0; i < 4; ++i) {
        Writer text{rooms[i]};
        put_site(text, addresses[i]);
        sites[i] = text.text();
    }
    const Declared& wanted = classes[inversion.now.wanted];
    const Declared& held = classes[inversion.now.held];
    panic("lock order: {}:{} wanted at {} under {}:{} taken at {}; the other way round at {} under {}",
          wanted.file, wanted.line, sites[0], held.file, held.line, sites[1], sites[2], sites[3]);
}

} // namespace

u32 LockClass::index()
{
    if (const u32 known = index_.load(std::memory_order_relaxed); known != 0)
        return known - 1;
    const arch::InterruptMask masked;
    const PinnedSpinGuard guard{lock, Pin{masked}};
    u32 index = 0;
    while (index < class_count && (classes[index].file != file_ || classes[index].line != line_))
        ++index;
    if (index == kClasses)
        return kClasses - 1; // all further declarations share the last class, which records no order
    if (index == class_count) {
        classes[index] = {file_, line_};
        ++class_count;
    }
    index_.store(index + 1, std::memory_order_relaxed);
    return index;
}

[[gnu::noinline]] void LockClass::note_wanted()
{
    const VirtAddr site = address_of(__builtin_return_address(0));
    const HeldLocks& held = held_locks();
    const u32 wanted = index();
    for (u32 i = 0; i < held.count && i < HeldLocks::kMax; ++i) {
        const u32 outer = held.locks[i].index;
        if (outer == kClasses - 1 || wanted == kClasses - 1 || graph.was_seen(outer, wanted))
            continue;
        std::optional<LockInversion> inversion;
        {
            const arch::InterruptMask masked;
            const PinnedSpinGuard guard{lock, Pin{masked}};
            inversion = graph.note({outer, wanted, held.locks[i].at, site});
        }
        if (inversion)
            report(*inversion);
    }
}

[[gnu::noinline]] void LockClass::note_taken()
{
    const arch::InterruptMask masked; // an interrupt handler uses the array of the thread it interrupts
    HeldLocks& held = held_locks();
    if (held.count < HeldLocks::kMax)
        held.locks[held.count] = {this, index(), address_of(__builtin_return_address(0))};
    ++held.count;
}

void LockClass::note_released()
{
    const arch::InterruptMask masked;
    HeldLocks& held = held_locks();
    for (u32 i = held.count; i-- > 0;) {
        if (i < HeldLocks::kMax && held.locks[i].lock != this)
            continue;
        for (u32 next = i + 1; next < held.count && next < HeldLocks::kMax; ++next)
            held.locks[next - 1] = held.locks[next];
        --held.count;
        return;
    }
}

} // namespace percival

#endif
