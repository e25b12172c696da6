// SPDX-License-Identifier: BSD-2-Clause
// Finds the table of a given level for an address, and makes the tables that are missing on the way. A table
// that no leaf needs any more is freed by mm/page_table/table_reclaimer.hpp, if at all.
//
// Where the environment has link(), several CPUs may make tables of one tree at once. If two CPUs make the
// same table, one link succeeds, and the other CPU goes on in the winner's table. That table stays, because a
// shared table is never freed (INV-page_table-4).
//
// Suppose that CPU A has linked a table and perhaps not published it yet, and that CPU B maps a leaf in it.
// B's publish() covers the table too, for this reason only: B stores the leaf at an address that it got by
// loading A's descriptor, so its store comes after A's, and B's DSB ISHST waits for both. That B has loaded
// the descriptor is not enough by itself, because a DSB ISHST does not wait for loads. A CPU that stores
// nothing and relies on a table it has only found needs DSB ISH. A's link is a release, so a walker that
// finds the table finds its zeroes too.
#pragma once

#include "mm/page_table/descriptor_access.hpp"
#include "mm/page_table/environment.hpp"

#include <expected>

namespace percival::mm {

template <class G, PteFormat Pte, class Env>
class TableMaker {
public:
    struct Table {
        Pte* entries;
        bool is_new; // just made by this call: all entries that belong to the caller are invalid
    };

    TableMaker(PhysAddr root, Env& env) : root_{root}, env_{env}, writer_{env} {}

    // Returns the table at `level` for `at`, after making it and the tables above it as needed. Publishes
    // nothing. On the errors AlreadyMapped (a block is in the way) and NoMemory the tables made so far stay,
    // and map nothing.
    std::expected<Table, MapError> table_for(VirtAddr at, Level level)
    {
        PhysAddr table = root_;
        bool is_new = false;
        for (Level above = G::kRootLevel; above < level; above = above.down()) {
            Pte* slot = env_.table(table) + G::index(above, at);
            Pte pte = load_descriptor(slot);
            is_new = false;
            if (pte.kind(above) == PteKind::Invalid) {
                const auto page = env_.allocate();
                if (!page)
                    return std::unexpected{MapError::NoMemory};
                pte = link(slot, *page, above);
                is_new = pte == Pte::table(*page);
            }
            if (pte.kind(above) == PteKind::Leaf)
                return std::unexpected{MapError::AlreadyMapped};
            table = pte.address();
        }
        return Table{env_.table(table), is_new};
    }

private:
    // Links `page`, an empty table, into `slot`, which the caller found invalid. Returns what the slot then
    // holds: if another CPU has linked its own table first, that table, and `page` is freed.
    Pte link(Pte* slot, PhysAddr page, Level level)
    {
        const Pte before = writer_.link(slot, Pte::table(page), level);
        if (before == Pte{})
            return Pte::table(page);
        if constexpr (requires { env_.free(page); })
            env_.free(page);
        return before;
    }

    PhysAddr root_;
    Env& env_;
    DescriptorWriter<Pte, Env> writer_;
};

} // namespace percival::mm
