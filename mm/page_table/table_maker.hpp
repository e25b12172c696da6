// SPDX-License-Identifier: BSD-2-Clause
// The tables on the way to an address, made where they are missing. What no leaf needs any more is freed by
// mm/page_table/table_reclaimer.hpp, if at all.
//
// Where the environment has link(), several CPUs may make the tables of one tree at once: of two that make
// the same one, one link wins, and the loser goes on in the winner's table, which stays, as no shared table is
// ever freed (INV-page_table-4).
//
// That CPU B's publish() covers a table that A linked, and maybe has not published yet: B has read A's
// descriptor, and what one observer has read no other misses (other-multi-copy atomicity, Arm ARM B2.3), B's
// own walker and everyone's among them; B's DSB then orders its leaves after it. The zeroes in it A published
// before it linked.
#pragma once

#include "mm/page_table/descriptor_writer.hpp"
#include "mm/page_table/environment.hpp"

#include <expected>

namespace percival::mm {

template <class G, PteFormat Pte, class Env>
class TableMaker {
public:
    struct Table {
        Pte* entries;
        bool is_new; // just made: all of it that is the caller's is invalid
    };

    TableMaker(PhysAddr root, Env& env) : root_{root}, env_{env}, writer_{env} {}

    // The table at `level` for `at`, with the ones above it made as needed, not published. AlreadyMapped (a
    // block is in the way) or NoMemory: the tables made so far stay, and map nothing.
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
    // Makes `slot`, which was found invalid, point to `page`, an empty table. What it holds then: somebody
    // else's table if that was linked first, and `page` is given back.
    Pte link(Pte* slot, PhysAddr page, Level level)
    {
        const Pte before = writer_.link(slot, Pte::table(page), level);
        if (before == Pte{})
            return Pte::table(page);
        if constexpr (requires { env_.release(page); })
            env_.release(page);
        return before;
    }

    PhysAddr root_;
    Env& env_;
    DescriptorWriter<Pte, Env> writer_;
};

} // namespace percival::mm
