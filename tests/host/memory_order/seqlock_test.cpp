// SPDX-License-Identifier: BSD-2-Clause
// kernel/sync/seqlock.hpp with weakly ordered memory.
#include "kernel/sync/seqlock.hpp"
#include "memory_order/support/judge.hpp"

#include <gtest/gtest.h>

namespace percival::testing {
namespace {

struct Pair {
    u64 low{0};
    u64 high{0};
};

struct ReaderAndWriter {
    static constexpr u32 kCpus = 2;
    Seqlock<Pair> lock;
    Pair read{};

    void run(u32 cpu)
    {
        if (cpu == 0)
            lock.write([](Pair& pair) { ++pair.low, ++pair.high; });
        else
            read = lock.read();
    }
    std::string verdict() const { return read.low == read.high ? "" : "a reader sees half of a write"; }
};

TEST(SeqlockOrder, AReaderSeesAllOfAWriteOrNothing)
{
    EXPECT_EQ(judge<ReaderAndWriter>({"kernel/sync/seqlock.hpp"}, {.late_stores = 1}), "");
}

struct TwoWriters : ReaderAndWriter {
    static constexpr u32 kCpus = 3;
    void run(u32 cpu) { ReaderAndWriter::run(cpu / 2); }
    std::string verdict() const
    {
        Pair last;
        const_cast<Seqlock<Pair>&>(lock).write([&](Pair& pair) { last = pair; });
        if (last.low != 2 || last.high != 2)
            return "a write is lost";
        return ReaderAndWriter::verdict();
    }
};

TEST(SeqlockOrder, WritersDoNotOverwriteEachOther)
{
    EXPECT_EQ(order_explorer().explore_at_random<TwoWriters>(1, 2'000).failure, "");
}

// A reader in an interrupt handler must not wait for the writer that it interrupts.
struct InterruptedWriter {
    static constexpr u32 kCpus = 2;
    static inline Seqlock<Pair>* shared = nullptr;
    Seqlock<Pair> lock;

    InterruptedWriter() { shared = &lock; }
    void run(u32 cpu)
    {
        if (cpu == 0)
            lock.write([](Pair& pair) { ++pair.low, ++pair.high; });
        else
            order_explorer().interrupt(0, [] { static_cast<void>(shared->read()); }, nullptr);
    }
    std::string verdict() const { return ""; }
};

TEST(SeqlockOrder, AWriterIsNotInterruptedByAReader)
{
    EXPECT_EQ(order_explorer().explore<InterruptedWriter>({.late_stores = 0}).failure, "");
}

} // namespace
} // namespace percival::testing
