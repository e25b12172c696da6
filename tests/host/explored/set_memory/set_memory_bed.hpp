// SPDX-License-Identifier: BSD-2-Clause
// What explored scenarios of set_memory() and of merges share: CPUs on one root, where one block of the
// linear map is mapped. The code is that of mm/set_memory, with the kernel's lock, its notes of what has
// changed, and the tables set aside.
//
// Broken variants leave out one thing that the code asks of the machine (explored/support/lossy_machine.hpp),
// or take the lock or the break away.
#pragma once

#include "explored/support/explored_kernel.hpp"
#include "explored/support/lossy_machine.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/set_memory/linear_merge.hpp"
#include "mm/set_memory/set_memory.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace percival::testing {

using enum mm::MemoryChange;
using mm::MemoryChange;
using mm::Protection;

inline constexpr Bytes kPage = mm::KernelGeometry::kPageSize;
inline constexpr VirtRange kLinearBlock{mm::KernelLayout::kLinear.base,
                                        mm::KernelGeometry::entry_size(mm::kLastLevel.up())};

inline constexpr auto kRo = Protection::ReadOnly;
inline constexpr auto kRw = Protection::ReadWrite;
using Protections = std::vector<Protection>;
inline const Protections kOnlyRo{kRo}, kOnlyRw{kRw}, kEither{kRo, kRw};

// What a scenario has against it.
struct Flaw {
    Loss loss{Loss::Nothing};
    bool locks_exclude{true};
    bool never_breaks{false};
};

template <u32 Cpus, Flaw F>
class SetMemoryBed : public ExploredKernel {
public:
    explicit SetMemoryBed(Explorer& e) : ExploredKernel{e, Cpus, 16}
    {
        locks_exclude = F.locks_exclude;
        mm::linear_map = {kLinearBlock.base, kMemory};
        mm::merge_linear_map(); // forgets what the scenario before has noted
        machine.set_resizes_live(!F.never_breaks);
        never_breaks = F.never_breaks;
        map(kLinearBlock, kMemory);
        synchronize_all();
        pages_before = machine.pages_in_use();
    }

    static u32 cpus() { return Cpus; }

    static VirtRange page(u64 n) { return {kLinearBlock.base + kPage * n, kPage}; }
    void change(VirtRange range, MemoryChange what)
    {
        require(mm::set_memory(range, what).has_value(), "a change failed");
    }
    // Page `n` becomes read-only and writable again, which leaves a table in the place of the block.
    void there_and_back(u64 n)
    {
        change(page(n), ReadOnly);
        change(page(n), ReadWrite);
    }

    // All that the executing CPU may get at page `n` is the page with one of these protections, or, if it
    // `may_fault`, a fault.
    void look(VirtRange at, PhysAddr memory, const Protections& allowed, bool may_fault = false)
    {
        explorer.access();
        for (const Outcome& got : machine.outcomes(machine.executing(), at.base)) {
            if (!got.address)
                require(may_fault, "a CPU may get a fault");
            else
                require(*got.address == memory &&
                            std::ranges::find(allowed, got.attributes.protection) != allowed.end(),
                        "a CPU may get a wrong translation");
        }
    }
    void look(u64 n, const Protections& allowed, bool may_fault = false)
    {
        look(page(n), kMemory + kPage * n, allowed, may_fault);
    }

    // A CPU says that its change is over, and another one asks.
    void tell()
    {
        explored->store(&told_, std::memory_order_release);
        told_ = true;
    }
    bool is_told()
    {
        explored->load(&told_, std::memory_order_acquire);
        return told_;
    }

    // Ends what is lost, and expects that nothing is unfinished on any CPU.
    void end()
    {
        lossy_.reset();
        synchronize_all();
        for (u32 cpu = 0; cpu < Cpus; ++cpu) {
            machine.execute_on(cpu);
            machine.expect_settled();
        }
        machine.execute_on(0);
    }
    void expect_everywhere(u64 n, Protection protection)
    {
        for (u32 cpu = 0; cpu < Cpus; ++cpu) {
            machine.execute_on(cpu);
            look(n, {protection});
        }
        machine.execute_on(0);
    }
    // Returns the verdict when pages 0 and 1 are to be writable, in a block again.
    std::string verdict_of_one_block()
    {
        end();
        expect_everywhere(0, kRw);
        expect_everywhere(1, kRw);
        require(machine.pages_in_use() == pages_before, "the table was not freed");
        return verdict();
    }
    // After all CPUs are done, one merge makes a block of what agrees again, and frees the table.
    void expect_block_after_merge()
    {
        mm::merge_linear_map();
        end();
        require(machine.pages_in_use() == pages_before, "the block was not merged, or its table is left");
    }

    void map(VirtRange range, PhysAddr memory)
    {
        require(mm::master_table().map(range, memory, mm::kData).has_value(), "map failed");
    }
    void synchronize_all()
    {
        for (u32 cpu = 0; cpu < Cpus; ++cpu)
            machine.synchronize(cpu);
    }
    // From now on the scenario has its flaw.
    void begin() { lossy_.emplace(F.loss); }
    // CPU 0 alone changes anything.
    void begin_with_one_editor()
    {
        machine.set_only_editor(0);
        begin();
    }

    u64 pages_before{0};

private:
    bool told_{false};
    std::optional<LossyMachine> lossy_{};
};

inline constexpr Flaw kNone{};
inline constexpr Flaw kNoLock{.locks_exclude = false};
inline constexpr Flaw kNoBreak{.never_breaks = true};
constexpr Flaw without(Loss loss)
{
    return {.loss = loss};
}

} // namespace percival::testing
