// SPDX-License-Identifier: BSD-2-Clause
// kernel/percpu/ref.cpp with weakly ordered memory.
#include "arch/cpu/processor.hpp"
#include "interrupts.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/percpu/ref.hpp"
#include "kernel/sync/rcu.hpp"
#include "memory_order/support/judge.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

namespace percival {
namespace testing {
namespace {

PERCIVAL_PERCPU PerCpu<s64> counts{};

// An object that is used by CPU 1 under a reference.
struct Counted {
    static constexpr u32 kCpus = 2;

    PercpuRef ref;
    u32 releases{0};
    u64 uses{0};
    u64 released_uses{0}; // those that the release sees
    std::string wrong;

    Counted()
    {
        mm::cpus_with_root = kCpus;
        handle_ipi(arch::Ipi::Quiesce, &rcu::report_or_ask);
        switch_handler = &rcu::note_quiescent_state;
        for (u32 cpu = 0; cpu < kCpus; ++cpu)
            set_online(CpuId{cpu}, {});
        if (!ref.start(&release, this))
            order_explorer().fail("there is no memory for the counts");
    }
    static void release(void* object)
    {
        auto& self = *static_cast<Counted*>(object);
        ++self.releases;
        self.released_uses = self.uses;
    }
    template <class Condition>
    static void wait_until(Condition condition)
    {
        while (!condition())
            arch::relax();
    }
};

// CPU 0 gives the first reference back while CPU 1 may have another one.
struct Killed : Counted {
    u64 reason{0};
    bool is_used{false}; // CPU 1 only

    void run(u32 cpu)
    {
        if (cpu == 0) {
            reason = 1;
            return ref.kill();
        }
        if (ref.try_get_alive()) {
            is_used = true;
            uses = 1;
            ref.put();
        } else if (reason != 1) {
            wrong = "a CPU that gets no reference does not see what came before kill()";
        }
    }
    std::string verdict() const
    {
        if (releases != 1)
            return "the object is not released once";
        return is_used && released_uses == 0 ? "the release does not see a use" : wrong;
    }
};

// Each CPU has a reference of its own, and gives it back when kill() is over: CPU 1 first if `CpuZeroIsLast`.
template <bool CpuZeroIsLast>
struct LastPut : Counted {
    std::atomic<bool> is_over{false};
    std::atomic<bool> has_put{false};

    LastPut()
    {
        ref.get();
        ref.get();
    }
    void run(u32 cpu)
    {
        if (cpu == 0) {
            ref.kill();
            is_over.store(true, std::memory_order_relaxed);
            if (CpuZeroIsLast)
                wait_until([this] { return has_put.load(std::memory_order_relaxed); });
            ref.put();
            wait_until([this] { return ref.is_zero(); });
            if (uses == 0)
                wrong = "no reference is left, but what was done under one is not seen";
        } else {
            wait_until([this] { return is_over.load(std::memory_order_relaxed); });
            uses = 1;
            ref.put();
            has_put.store(true, std::memory_order_relaxed);
        }
    }
    std::string verdict() const
    {
        if (releases != 1)
            return "the object is not released once";
        return released_uses == 0 ? "the release does not see a use" : wrong;
    }
};

// CPU 0 changes the way of counting twice, and CPU 1 takes a reference meanwhile.
struct Switched : Counted {
    void run(u32 cpu)
    {
        if (cpu == 0) {
            ref.switch_to_atomic();
            return ref.switch_to_percpu();
        }
        if (ref.try_get()) {
            uses = 1;
            ref.put();
        }
    }
    std::string verdict()
    {
        set_offline(CpuId{1}); // kill() does not wait for it
        ref.kill();
        if (releases != 1)
            return "the object is not released once";
        return uses != released_uses ? "the release does not see a use" : "";
    }
};

// CPU 0 begins again, and CPU 1 takes a reference as soon as it sees that.
struct Restarted : Counted {
    std::atomic<bool> is_seen{false};
    u64 prepared{0};

    Restarted()
    {
        set_offline(CpuId{1}); // kill() does not wait for it
        ref.kill();
        set_online(CpuId{1}, {});
    }
    void run(u32 cpu)
    {
        if (cpu == 0) {
            wait_until([this] { return is_seen.load(std::memory_order_relaxed); });
            prepared = 1;
            return ref.restart();
        }
        wait_until([this] { return ref.is_killed(); });
        is_seen.store(true, std::memory_order_relaxed);
        wait_until([this] { return !ref.is_killed(); });
        if (prepared != 1)
            wrong = "a CPU uses the object again before it is prepared";
        if (!ref.try_get())
            wrong = "a CPU gets no reference though the count has begun again";
        else
            ref.put();
    }
    std::string verdict()
    {
        set_offline(CpuId{1});
        ref.kill();
        return releases == 2 ? wrong : "the object is not released once each time";
    }
};

TEST(PercpuRefOrder, TheObjectIsReleasedOnceAfterAllUses)
{
    EXPECT_EQ((judge<Killed, LastPut<false>, LastPut<true>, Switched, Restarted>(
                  {"kernel/percpu/ref.cpp", "kernel/percpu/ref.hpp"}, {.deviations = 1})),
              "");
}

} // namespace
} // namespace testing

// The percpu memory is one variable.
percpu::Allocation percpu::detail::allocate_of_class(Class, bool)
{
    return testing::counts.local_address();
}
percpu::Allocation percpu::detail::allocate_plain(Request, bool)
{
    return testing::counts.local_address();
}
percpu::Allocation percpu::detail::refuse(Bytes, Bytes, RequestError)
{
    return std::unexpected{Error::NoMemory};
}
void percpu::free(VirtAddr) {}

} // namespace percival
