// SPDX-License-Identifier: BSD-2-Clause
// Keeps the tables of the linear map from being freed, for code that walks them in software without owning
// the memory there: dumps, audits, clones.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

// While the object exists, no other thread frees tables of the linear map or adds memory to it. Whoever does
// so holds one, too: a merge (mm/merge), and the removal of memory (mm/hot_memory). Threads; not nested.
class LinearTablesStay : Immovable {
public:
    LinearTablesStay();
    ~LinearTablesStay();
};

} // namespace percival
