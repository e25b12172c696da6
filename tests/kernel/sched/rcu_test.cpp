// SPDX-License-Identifier: BSD-2-Clause
// Tests read-copy-update: an object is not freed while a reader uses it.
#include "arch/cpu/processor.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "kernel/sync/rcu.hpp"
#include "kernel/wait/mutex.hpp"
#include "mm/objects/small_objects.hpp"
#include "tests/kernel/support/cpu_choice.hpp"
#include "tests/kernel/support/held_reader.hpp"
#include "tests/kernel/support/thread_group.hpp"

namespace percival {
namespace {

struct Thing : rcu::Callback {
    static constexpr u64 kAlive = 0xa11'7e;
    u64 state{kAlive};
    std::atomic<u32>* freed{nullptr};
};

PERCIVAL_TEST(rcu, synchronize_waits_for_readers_that_began_before)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    expect_wait_for_readers([] { rcu::synchronize(); });
}

PERCIVAL_TEST(rcu, synchronize_does_not_wait_for_idle_cpus_or_the_calling_cpu)
{
    for (u32 round = 0; round < 50; ++round)
        rcu::synchronize();
}

PERCIVAL_TEST(rcu, no_reader_sees_freed_memory)
{
    std::atomic<Thing*> current{mm::create<Thing>()};
    ASSERT(current.load() != nullptr);
    std::atomic<bool> over{false};
    const u32 readers = std::min(2 * online_cpu_count(), 8u);
    auto body = [&](u32 number) {
        if (number != 0) {
            while (!over.load()) {
                const rcu::ReadGuard reading;
                const Thing* const thing = rcu::load(current);
                for (u32 look = 0; look < 20; ++look)
                    EXPECT_EQ(*const_cast<const volatile u64*>(&thing->state), Thing::kAlive);
            }
            return;
        }
        for (u32 round = 0; round < 15; ++round) {
            auto* const renewed = mm::create<Thing>();
            if (!EXPECT(renewed != nullptr))
                break;
            Thing* const old = rcu::replace(current, renewed);
            rcu::synchronize();
            old->state = 0; // as the next user of this memory would
            mm::destroy(old);
        }
        over.store(true);
    };
    ThreadGroup group{readers, body};
    group.join_all();
    mm::destroy(current.load());
}

void call_and_count(u32 callbacks, std::atomic<u32>& freed)
{
    for (u32 i = 0; i < callbacks; ++i) {
        auto* thing = mm::create<Thing>();
        ASSERT(thing != nullptr);
        thing->freed = &freed;
        rcu::call(*thing, [](rcu::Callback* callback) {
            auto* const done = static_cast<Thing*>(callback);
            done->freed->fetch_add(1);
            mm::destroy(done);
        });
    }
}

PERCIVAL_TEST(rcu, every_callback_runs_once)
{
    constexpr u32 kCallbacks = 100;
    std::atomic<u32> freed{0};
    call_and_count(kCallbacks, freed);
    rcu::wait_for_callbacks();
    EXPECT_EQ(freed.load(), kCallbacks);
}

// The reader goes on until the callbacks have run, which must not happen, or until the worker that has to run
// them waits for it.
PERCIVAL_TEST(rcu, no_callback_runs_before_the_readers_end)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    constexpr u32 kCallbacks = 10;
    std::atomic<u32> freed{0};
    {
        HeldReader reader;
        call_and_count(kCallbacks, freed);
        while (freed.load() == 0 && !reader.was_asked())
            yield();
        EXPECT_EQ(freed.load(), 0u);
    }
    rcu::wait_for_callbacks();
    EXPECT_EQ(freed.load(), kCallbacks);
}

} // namespace
} // namespace percival
