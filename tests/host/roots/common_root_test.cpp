// SPDX-License-Identifier: BSD-2-Clause
// All CPUs on the master root, with TLBs that they share, as with CnP = 1, in every layout: an entry that is
// added late is made once, and a mapping that comes, goes and comes back is right on every CPU.
#include "tests/host/support/simulated_roots.hpp"

namespace percival::testing {
namespace {

template <class G>
class CommonRootTest : public ::testing::Test {
protected:
    using Pte = SimulatedPte;
    using Tables = SimulatedTables<G>;
    static constexpr u32 kCpus = 3;
    static constexpr Bytes kPage = G::kPageSize;
    static constexpr VirtAddr kAt = G::kKernelBase; // does not lead to the local window
    static constexpr VirtRange kWindow = mm::Layout<G>::kLocalPercpu;

    CommonRootTest()
    {
        for (u32 cpu = 0; cpu < kCpus; ++cpu)
            machine.set_root(cpu, roots.master_table(G::kRootLevel));
        machine.share_tlbs(true);
    }
    void TearDown() override { expect_clean(machine); }

    void expect_everywhere(VirtAddr at, std::optional<PhysAddr> to)
    {
        for (u32 cpu = 0; cpu < kCpus; ++cpu)
            machine.synchronize(cpu);
        for (u32 cpu = 0; cpu < kCpus; ++cpu)
            EXPECT_EQ(machine.access(cpu, at).address, to);
    }

    SimulatedMachine<G> machine{kCpus, 64};
    Tables env{machine};
    SimulatedRoots<G> roots{machine, env, 0, 0};
    mm::RootSync<G, Pte, SimulatedRoots<G>> sync{roots};
    mm::PageTable<G, Pte, Tables> engine{roots.master_table(G::kRootLevel), env};
};
TYPED_TEST_SUITE(CommonRootTest, AllGeometries);

TYPED_TEST(CommonRootTest, ALateEntryIsWrittenOnceAndServesAllCpus)
{
    const VirtRange page{this->kAt, this->kPage};
    ASSERT_TRUE(this->sync.sync(page).has_value());
    ASSERT_TRUE(this->sync.sync(page).has_value());
    EXPECT_EQ(this->roots.writes, 1u);
    EXPECT_EQ(this->sync.entries_made(), 1u);
    ASSERT_TRUE(this->engine.map(page, kMemory, mm::kData));
    this->expect_everywhere(this->kAt, kMemory);
}

TYPED_TEST(CommonRootTest, AMappingThatIsReplacedIsReplacedOnAllCpusAlthoughTheyShareTlbEntries)
{
    const VirtRange page{this->kAt, this->kPage};
    ASSERT_TRUE(this->sync.sync(page).has_value());
    ASSERT_TRUE(this->engine.map(page, kMemory, mm::kData));
    this->expect_everywhere(this->kAt, kMemory);
    {
        mm::TlbBatch<TypeParam, SimulatedTables<TypeParam>> batch{this->env};
        ASSERT_TRUE(this->engine.unmap(page, batch).has_value());
    }
    this->expect_everywhere(this->kAt, std::nullopt);
    ASSERT_TRUE(this->engine.map(page, kMemory + this->kPage, mm::kData));
    this->expect_everywhere(this->kAt, kMemory + this->kPage);
}

TYPED_TEST(CommonRootTest, TheLocalWindowStaysEmpty)
{
    ASSERT_TRUE(this->sync.sync(this->kWindow).has_value());
    EXPECT_EQ(this->roots.writes, 0u);
    this->expect_everywhere(this->kWindow.base, std::nullopt);
    this->expect_everywhere(this->kWindow.end() - this->kPage, std::nullopt);
}

} // namespace
} // namespace percival::testing
