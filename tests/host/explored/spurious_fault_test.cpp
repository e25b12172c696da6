// SPDX-License-Identifier: BSD-2-Clause
// Explores all interleavings of a CPU that breaks and remakes an entry, or makes one, and a CPU that accesses
// the address and asks whether its fault was spurious. The code is that of mm/kernel_map and mm/page_table.
#include "mm/kernel_map/spurious_fault.hpp"

#include "mm/kernel_map/kernel_tables.hpp"
#include "support/interleaving.hpp"

namespace percival::testing {
namespace {

using interleaved::expect_right;

constexpr VirtRange kAt{kRegion<mm::KernelGeometry>, mm::KernelGeometry::kPageSize};

// CPU 0 changes an entry and CPU 1 uses it.
class World : public ExploredKernel {
public:
    explicit World(Explorer& e) : ExploredKernel{e, 2, 16}
    {
        // Only what ends the break lets CPU 1 go on.
        arch::on_relax = [&e] {
            e.wait_until(&mm::live_breaks.ended,
                         [] { return mm::live_breaks.begun.peek() == mm::live_breaks.ended.peek(); });
        };
    }
    ~World() { arch::on_relax = nullptr; }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    static u32 cpus() { return 2; }

protected:
    static mm::KernelPageTable table() { return mm::master_table(); }
    // Accesses the address, and takes a fault if there may be one. Returns whether it was spurious.
    bool access_is_good()
    {
        explorer.access();
        const auto outcomes = machine.outcomes(machine.executing(), kAt.base);
        const bool may_fault = std::ranges::any_of(outcomes, [](const Outcome& o) { return !o.address; });
        return !may_fault || mm::is_spurious({VirtAddr{0x1000}, kAt.base, false});
    }
};

struct Remade : World {
    explicit Remade(Explorer& e) : World{e}
    {
        require(table().map(kAt, kMemory, mm::kData).has_value(), "map failed");
        machine.synchronize(1);
    }
    void run(u32 cpu)
    {
        if (cpu == 0) {
            mm::KernelTlbBatch batch{mm::kernel_tables()};
            require(table().protect(kAt, mm::kDeviceRegisters, batch).has_value(), "protect failed");
        } else {
            require(access_is_good(), "a good access was refused");
        }
    }
};

TEST(ExploredFaultTest, AnAccessToAnEntryThatIsBrokenAndRemadeIsNeverRefused)
{
    expect_right<Remade>("an entry is remade");
}

// CPU 0 makes an entry and sets a flag, and CPU 1 finds the flag.
struct Told : World {
    explicit Told(Explorer& e) : World{e}
    {
        const VirtRange neighbour{kAt.base + kAt.size, kAt.size};
        require(table().map(neighbour, kMemory, mm::kData).has_value(), "map failed");
        machine.synchronize(1);
    }
    void run(u32 cpu)
    {
        if (cpu == 0) {
            require(table().map(kAt, kMemory + kAt.size, mm::kData).has_value(), "map failed");
            explorer.touch(&flag_);
            machine.release(&flag_);
            flag_ = true;
            return;
        }
        explorer.touch(&flag_);
        machine.acquire(&flag_, ExploredKernel::Machine::Taking::Load);
        if (flag_)
            require(access_is_good(), "a good access was refused");
    }

private:
    bool flag_{false};
};

TEST(ExploredFaultTest, AnAccessToAnEntryThatTheCpuWasToldOfIsNeverRefused)
{
    expect_right<Told>("an entry is made");
}

} // namespace
} // namespace percival::testing
