// SPDX-License-Identifier: BSD-2-Clause
// Explores all interleavings of CPUs that unmap memory, flush, and reuse it, at once or lazily.
#include "tests/host/support/cpus_on_one_root.hpp"

#include <set>
#include <utility>

namespace percival::testing::interleaved {
namespace {

// CPU 0 unmaps a page, frees it, and maps another page at the same address, while the other CPUs read there.
// They may get the old page until it is freed, and must get the new one as soon as it is mapped.
template <Without Missing, u32 Cpus>
struct Reuse : World<Missing, Cpus> {
    explicit Reuse(Explorer& e) : World<Missing, Cpus>{e}
    {
        this->require(this->map(0, this->memory(0)), "map failed");
    }

    void run(u32 cpu)
    {
        if (cpu == 0)
            replace();
        else
            look(cpu);
    }
    std::string verdict()
    {
        this->synchronize_all();
        for (u32 cpu = 0; cpu < Cpus; ++cpu)
            this->read(cpu, 0, {this->memory(1)});
        return World<Missing, Cpus>::verdict();
    }

private:
    void replace()
    {
        {
            typename World<Missing, Cpus>::Batch batch{this->env};
            this->require(this->engine.unmap(this->page(0), batch).has_value(), "unmap failed");
            if (Missing != Without::Flush)
                batch.flush();
            this->signal(&freed);
            freed = true;
        }
        this->require(this->map(0, this->memory(1)), "map failed");
        this->signal(&mapped);
        mapped = true;
    }
    void look(u32 cpu)
    {
        this->take(&mapped, Machine::Taking::Load);
        const bool was_mapped = mapped;
        this->take(&freed, Machine::Taking::Load);
        const bool was_freed = freed;
        if (was_mapped) {
            this->read(cpu, 0, {this->memory(1), std::nullopt});
            this->machine.synchronize(cpu); // the handler of the fault, with its DSB
            this->read(cpu, 0, {this->memory(1)});
        } else if (was_freed)
            this->read(cpu, 0, {this->memory(1), std::nullopt});
        else
            this->read(cpu, 0, {this->memory(0), this->memory(1), std::nullopt});
    }

    bool freed{false};
    bool mapped{false};
};

TEST(InterleavingTest, MemoryIsReusedWhileOtherCpusRead)
{
    expect_right<Reuse<Without::Nothing, 2>>("reuse, 2 CPUs");
    expect_right<Reuse<Without::Nothing, 3>>("reuse, 3 CPUs");
    expect_wrong<Reuse<Without::Flush, 2>>("memory is freed before the flush");
    expect_wrong<Reuse<Without::Publish, 2>>("map() does not publish");
}

// Every CPU but the last unmaps one page and leaves the flush to the last CPU. With two CPUs, the first then
// maps another page. The last CPU takes the list of unmapped pages, flushes once for all of them, and frees
// their memory.
template <Without Missing, u32 Cpus>
struct LazyFlush : World<Missing, Cpus> {
    explicit LazyFlush(Explorer& e) : World<Missing, Cpus>{e}
    {
        for (u32 n = 0; n < kLast; ++n)
            this->require(this->map(n, this->memory(n)), "map failed");
    }

    void run(u32 cpu)
    {
        if (cpu != kLast)
            return unmap_and_go_on(cpu);
        for (u32 left = kLast; left != 0;)
            left -= purge();
    }
    std::string verdict()
    {
        this->synchronize_all();
        for (u32 cpu = 0; cpu < Cpus; ++cpu) {
            for (u32 n = 0; n < kLast; ++n) {
                this->read(cpu, n, {std::nullopt});
                if (kGoesOn)
                    this->read(cpu, Cpus + n, {this->memory(Cpus + n)});
            }
        }
        return World<Missing, Cpus>::verdict();
    }

private:
    static constexpr u32 kLast = Cpus - 1;
    static constexpr bool kGoesOn = Cpus == 2;

    void unmap_and_go_on(u32 cpu)
    {
        using Env = typename World<Missing, Cpus>::Env;
        const auto leaf = this->engine.walk(this->page(cpu).base);
        mm::DescriptorWriter<SimulatedPte, Env>{this->env}.clear_leaves(leaf.slot, 1);
        this->explorer.touch(&listed);
        if (Missing != Without::HandOver)
            this->machine.release(&listed); // as push() of mm/vmalloc/vm_freed.cpp does
        listed.insert(cpu);
        if (kGoesOn) {
            this->require(this->map(Cpus + cpu, this->memory(Cpus + cpu)), "map failed");
            this->read(cpu, Cpus + cpu, {this->memory(Cpus + cpu)});
        }
    }

    // Flushes the listed pages, frees their memory, and returns their number.
    u32 purge()
    {
        this->explorer.wait_until(&listed, [this] { return !listed.empty(); });
        this->machine.acquire(&listed, Machine::Taking::Exchange);
        const std::set<u32> taken = std::exchange(listed, {});
        typename World<Missing, Cpus>::Batch batch{this->env};
        for (const u32 n : taken)
            batch.add_leaves(this->page(n), kPage);
        if (Missing != Without::Flush)
            batch.flush();
        for (const u32 n : taken)
            this->machine.reuse_memory({this->memory(n), kPage});
        return static_cast<u32>(taken.size());
    }

    std::set<u32> listed;
};

TEST(InterleavingTest, OneCpuFlushesLazilyForAllOthers)
{
    expect_right<LazyFlush<Without::Nothing, 2>>("lazy flush, 2 CPUs");
    expect_right<LazyFlush<Without::Nothing, 3>>("lazy flush, 3 CPUs");
    expect_wrong<LazyFlush<Without::Flush, 2>>("memory is freed before the flush");
    expect_wrong<LazyFlush<Without::HandOver, 2>>("the list is taken without a lock");
}

} // namespace
} // namespace percival::testing::interleaved
