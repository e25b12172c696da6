// SPDX-License-Identifier: BSD-2-Clause
// Explores all interleavings of CPUs that unmap memory, flush, and reuse it at once. Memory that is flushed
// later is up to mm/vmalloc (explored/vmalloc_test.cpp).
#include "tests/host/support/cpus_on_one_root.hpp"

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

} // namespace
} // namespace percival::testing::interleaved
