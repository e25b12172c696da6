// SPDX-License-Identifier: BSD-2-Clause
// Tests on the simulated machine that a CPU is sure of the idmap while it needs it, and has nothing of it
// afterwards. The code is that of arch/arm64/mmu/idmap.cpp. The machine's roots are those of TTBR0.
#include "arch/mmu/idmap.hpp"

#include "arch/simulation/register_model.hpp"
#include "mm/image/boot_tables.hpp"
#include "support/simulated_tables.hpp"

namespace percival {

constinit boot::BootTables boot::boot_tables{};

namespace testing {
namespace {

// The idmap maps low addresses.
struct LowGeometry : mm::IdmapGeometry {
    static constexpr VirtAddr kKernelBase{0};
};
using Machine = SimulatedMachine<LowGeometry>;

constexpr PhysAddr kCode{0x4000'0000};
constexpr VirtRange kMapped{VirtAddr{kCode.raw()}, LowGeometry::kPageSize};

class IdmapTest : public ::testing::Test, private arch::RegisterModel {
protected:
    IdmapTest()
    {
        machine_.add_root(idmap_);
        machine_.set_root(0, reserved_);
        machine_.set_root(1, reserved_);
        mm::PageTable<LowGeometry, SimulatedPte, SimulatedTables<LowGeometry>> engine{idmap_, env_};
        EXPECT_TRUE(engine.map(kMapped, kCode, mm::kText));
    }
    std::vector<Outcome> fetched() { return machine_.outcomes(0, kMapped.base); }
    std::vector<std::string> take_violations() { return machine_.take_violations(); }

private:
    u64 read(u64, u32) override { return 0; }
    void write(u64, u64, u32) override { ADD_FAILURE(); }
    u64 read_system(std::string_view) override { return 0; }
    void write_system(std::string_view name, u64 value) override
    {
        EXPECT_EQ(name, "ttbr0_el1");
        const auto is = [value](const boot::TablePage& table) {
            return value == mm::image_to_physical(&table).raw();
        };
        EXPECT_TRUE(is(boot::boot_tables.idmap) || is(boot::boot_tables.reserved));
        machine_.write_root(is(boot::boot_tables.idmap) ? idmap_ : reserved_);
    }

    Machine machine_{2, 16};
    SimulatedTables<LowGeometry> env_{machine_};
    PhysAddr idmap_ = *env_.allocate();
    PhysAddr reserved_ = *env_.allocate();
};

TEST_F(IdmapTest, ACpuIsSureOfTheIdmapAndHasNothingOfItAfterwards)
{
    for (u32 round = 0; round < 2; ++round) {
        arch::enter_idmap();
        const auto inside = fetched();
        ASSERT_EQ(inside.size(), 1u);
        EXPECT_EQ(inside[0].address, kCode);
        arch::drop_idmap();
        const auto outside = fetched();
        ASSERT_EQ(outside.size(), 1u);
        EXPECT_FALSE(outside[0].address);
    }
    EXPECT_TRUE(take_violations().empty());
}

} // namespace
} // namespace testing
} // namespace percival
