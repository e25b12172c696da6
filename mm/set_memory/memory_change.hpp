// SPDX-License-Identifier: BSD-2-Clause
// What set_memory() can change about a page, and what it does to the leaf that maps the page. Pure functions,
// any context.
//
// A page made invalid keeps its leaf in an invalid descriptor (mm/address_space/pte_format.hpp). Changes of
// its protection are then made to the leaf that is kept, and hold once the page is valid again.
//
// INV-memory_change-1: no change makes a mapping writable and executable. A page must be read-only before it
//     becomes executable, and not executable before it becomes writable.
#pragma once

#include "mm/address_space/pte_format.hpp"

#include <expected>

namespace percival::mm {

enum class MemoryChange : u8 {
    ReadOnly,      // stores fault; an executable page stays executable
    ReadWrite,     // refused for an executable page
    Executable,    // refused for a writable page
    NotExecutable, // a page that is not executable stays as it is
    Valid,         // the page is mapped again, as it was before Invalid, with the protection set since
    Invalid,       // every access faults
};

enum class SetMemoryError : u8 {
    Misaligned,      // an end of the range is not a multiple of the page size
    WrongRegion,     // the range is not in the linear map nor in vmalloc
    Sealed,          // the range has a page of the image or of a sealed table, which stays as it is
    NotMapped,       // the range has a page that is neither mapped nor was made invalid
    WriteAndExecute, // the page would be writable and executable
    NotSplittable,   // a block or a run of the linear map would have to be split, which some CPU cannot bear
    NoMemory,        // there is no table, or the reserve has too few
};

// Returns the protection that `change` gives to a page which has `now` (INV-memory_change-1). Error:
// WriteAndExecute.
constexpr std::expected<Protection, SetMemoryError> changed_protection(Protection now, MemoryChange change)
{
    using enum Protection;
    switch (change) {
    case MemoryChange::ReadOnly:
        return now == ReadWrite ? ReadOnly : now;
    case MemoryChange::ReadWrite:
        if (now == ReadExecute)
            return std::unexpected{SetMemoryError::WriteAndExecute};
        return ReadWrite;
    case MemoryChange::Executable:
        if (now == ReadWrite)
            return std::unexpected{SetMemoryError::WriteAndExecute};
        return ReadExecute;
    case MemoryChange::NotExecutable:
        return now == ReadExecute ? ReadOnly : now;
    case MemoryChange::Valid:
    case MemoryChange::Invalid:
        break;
    }
    return now;
}

// Returns the leaf that `descriptor` is or keeps.
template <PteFormat Pte>
constexpr Pte leaf_behind(Pte descriptor)
{
    return descriptor.keeps_leaf() ? descriptor.restored() : descriptor;
}

// Returns what `change` makes of `old`, which is a leaf of `level` or keeps one. Error: WriteAndExecute.
template <PteFormat Pte>
[[gnu::always_inline]] constexpr std::expected<Pte, SetMemoryError> changed(Pte old, Level level,
                                                                            MemoryChange change)
{
    const Pte leaf = leaf_behind(old);
    if (change == MemoryChange::Valid)
        return leaf;
    if (change == MemoryChange::Invalid)
        return leaf.kept();
    const Attributes before = leaf.attributes();
    const auto protection = changed_protection(before.protection, change);
    if (!protection)
        return std::unexpected{protection.error()};
    const Pte now =
        Pte::leaf(leaf.address(), level, {*protection, before.memory}).with_contiguous(leaf.is_contiguous());
    return old.keeps_leaf() ? now.kept() : now;
}

} // namespace percival::mm
