// SPDX-License-Identifier: BSD-2-Clause
// kernel/wait/rcu.cpp with weakly ordered memory.
#include "interrupts.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/sync/rcu.hpp"
#include "kernel/wait/work_queue.hpp"
#include "memory_order/support/judge.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <string>

namespace percival {
namespace testing {
namespace {

struct Table {
    u64 value{0};
    std::array<u64, 3> uses{}; // by each CPU
};

// CPU 0 replaces the table and frees the old one. The others read.
template <u32 Cpus>
struct Replacing {
    static constexpr u32 kCpus = Cpus;

    Table old{.value = 1};
    Table renewed;
    std::atomic<Table*> table{&old};
    std::array<u64, 3> uses_seen{};
    std::array<u64, 3> uses_of_old{};
    std::string wrong;

    Replacing()
    {
        mm::cpus_with_root = Cpus;
        handle_ipi(arch::Ipi::Quiesce, &rcu::report_or_ask);
        switch_handler = &rcu::note_quiescent_state;
        set_online(CpuId{0}, {});
    }
    void replace()
    {
        renewed.value = 2;
        Table* const replaced = rcu::replace(table, &renewed);
        rcu::synchronize();
        uses_seen = replaced->uses;
        order_explorer().say_gone(replaced, sizeof(Table));
    }
    void read(u32 cpu)
    {
        const rcu::ReadGuard reading;
        Table& found = *rcu::load(table);
        ++found.uses[cpu];
        if (&found == &old)
            ++uses_of_old[cpu];
        if (found.value != (&found == &old ? 1U : 2U))
            wrong = "a reader finds a table before its contents";
    }
    std::string verdict() const
    {
        return uses_seen == uses_of_old ? wrong : "the writer does not see what a reader did";
    }
};

struct OneReader : Replacing<2> {
    OneReader() { set_online(CpuId{1}, {}); }
    void run(u32 cpu)
    {
        if (cpu == 0)
            return replace();
        read(1);
    }
};

// A CPU that switches threads by itself reports before the interrupt asks it to.
struct SwitchingReader : Replacing<2> {
    SwitchingReader() { set_online(CpuId{1}, {}); }
    void run(u32 cpu)
    {
        if (cpu == 0)
            return replace();
        {
            const arch::InterruptMask masked;
            rcu::note_quiescent_state();
        }
        read(1);
    }
};

struct TwoReaders : Replacing<3> {
    TwoReaders()
    {
        set_online(CpuId{1}, {});
        set_online(CpuId{2}, {});
    }
    void run(u32 cpu)
    {
        if (cpu == 0)
            replace();
        else
            read(cpu);
    }
};

// A CPU comes online while another one waits for the readers.
struct Coming : Replacing<2> {
    void run(u32 cpu)
    {
        if (cpu == 0)
            return replace();
        set_online(CpuId{1}, {});
        read(1);
    }
};

// A reader that reports by itself and then reads an old value is rare, so this scenario is explored within
// bounds, the others at random.
std::string first_failure()
{
    constexpr Bounds kBounds{.preemptions = 2, .late_stores = 0, .stale_reads = 1, .deviations = 3};
    OrderExplorer& explorer = order_explorer();
    std::string failure = explorer.explore<SwitchingReader>(kBounds).failure;
    if (failure.empty())
        failure = explorer.explore_at_random<OneReader>(1, 1'000).failure;
    if (failure.empty())
        failure = explorer.explore_at_random<Coming>(1, 1'000).failure;
    if (failure.empty())
        failure = explorer.explore_at_random<TwoReaders>(1, 1'000).failure;
    return failure;
}

TEST(RcuOrder, NoReaderUsesWhatIsFreedAndTheWriterSeesAllThatReadersDid)
{
    EXPECT_EQ(judge({"kernel/wait/rcu.cpp", "kernel/sync/rcu.hpp"}, &first_failure), "");
}

} // namespace
} // namespace testing

// rcu::call() runs its functions in a worker. No scenario uses it.
bool Work::queue()
{
    return true;
}
void Work::flush() {}

} // namespace percival
