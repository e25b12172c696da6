// SPDX-License-Identifier: BSD-2-Clause
// Pages of the linear map for the tests of set_memory(), and accesses that may fault.
#pragma once

#include "mm/kernel_map/linear_map.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/set_memory/set_memory.hpp"
#include "tests/kernel/support/kernel_space.hpp"

namespace percival {

using mm::MemoryChange;
using mm::SetMemoryError;

// Returns the error of a change, or nothing.
inline std::optional<SetMemoryError> error_of(VirtRange range, MemoryChange change)
{
    const auto result = mm::set_memory(range, change);
    return result ? std::nullopt : std::optional{result.error()};
}

// Writes back the word that it reads; returns the fault that this takes, if any.
inline std::optional<arch::Fault> write_to(VirtAddr address)
{
    return arch::catch_fault(
        [](void* target) {
            auto* word = static_cast<volatile u64*>(target);
            *word = *word;
        },
        reinterpret_cast<void*>(address.raw()));
}

inline bool refuses_writes(VirtAddr address)
{
    const auto fault = write_to(address);
    return fault && arch::fault_status(fault->esr).kind == arch::FaultKind::Permission;
}

// A page from the allocator, which goes back valid and read-write.
class LinearPage : Immovable {
public:
    LinearPage() : page_{mm::allocate_page()} { EXPECT(page_.has_value()); }
    ~LinearPage()
    {
        if (!page_)
            return;
        for (const MemoryChange back :
             {MemoryChange::Valid, MemoryChange::NotExecutable, MemoryChange::ReadWrite})
            static_cast<void>(mm::set_memory(range(), back));
        mm::free_page(*page_);
    }

    VirtAddr address() const { return mm::linear_address(*page_); }
    VirtRange range() const { return {address(), kPage}; }
    // Returns whether set_memory() can change the page alone.
    bool can_change() const
    {
        const auto found = mm::master_table().walk(address());
        return mm::kernel_tables().resizes_live() || found.reach() == kPage;
    }

private:
    std::optional<PhysAddr> page_;
};

#define SKIP_UNLESS_IT_CAN_CHANGE(page)                                                    \
    do {                                                                                   \
        if (!(page).can_change())                                                          \
            SKIP("a CPU cannot split the blocks of the linear map while they are in use"); \
    } while (false)

} // namespace percival
