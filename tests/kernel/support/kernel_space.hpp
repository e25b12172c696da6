// SPDX-License-Identifier: BSD-2-Clause
// What the tests of the kernel's address space share: short names, and accesses to addresses that may not be
// mapped.
#pragma once

#include "arch/debug/fault_recovery.hpp"
#include "arch/exceptions/exception_syndrome.hpp"
#include "kernel/selftest/selftest.hpp"
#include "mm/kernel_map/kernel_tables.hpp"

#include <optional>

namespace percival {

using arch::Pte;
using mm::KernelGeometry;
using mm::KernelLayout;
using mm::Level;

inline constexpr Bytes kPage = KernelGeometry::kPageSize;
inline constexpr u64 kWordsPerPage = kPage.count() / sizeof(u64);
inline constexpr u64 kRun = KernelGeometry::contiguous_entries(mm::kLastLevel); // pages in a run

// Returns the word at a mapped address.
inline volatile u64& word_at(VirtAddr address)
{
    return *reinterpret_cast<volatile u64*>(address.raw());
}

// Reads a byte; returns the fault that this takes, if any. The read is not instrumented: in a build with a
// shadow of percpu memory, reading freed memory that is still mapped is no finding here.
inline std::optional<arch::Fault> read_from(VirtAddr address)
{
    return arch::catch_fault(
        [] [[clang::no_sanitize("kernel-address")]] (void* target) {
            static_cast<void>(*static_cast<const volatile u8*>(target));
        },
        reinterpret_cast<void*>(address.raw()));
}

inline bool is_translation_fault_at(const std::optional<arch::Fault>& fault, VirtAddr address)
{
    return fault && arch::is_data_abort(fault->esr) && fault->far == address &&
           arch::fault_status(fault->esr).kind == arch::FaultKind::Translation;
}

// Returns whether nothing is mapped at `address` for this CPU.
inline bool is_a_hole(VirtAddr address)
{
    return is_translation_fault_at(read_from(address), address);
}

// Unmaps `range` in the kernel's tree, with the flush.
inline void unmap(VirtRange range)
{
    mm::KernelTlbBatch batch{mm::kernel_tables()};
    EXPECT(mm::master_table().unmap(range, batch).has_value());
}

} // namespace percival
