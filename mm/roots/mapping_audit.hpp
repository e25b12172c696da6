// SPDX-License-Identifier: BSD-2-Clause
// The audit of all mappings: walks the master's tree, what each CPU's root has of its own, the reserved root
// and the idmap, and finds every mapping that must not be:
//
//   a leaf that is writable and executable, or open to user mode;
//   a writable leaf, at whatever address, of the physical pages of text, read-only data, data that is
//   read-only after init, or a sealed table (mm/roots/seal.hpp);
//   any leaf under the reserved root.
//
// The one page of a WritableWindow is excepted while a window is open, and only then.
//
// Any context after setup_percpu_areas(), but it takes milliseconds. Other CPUs may map and unmap meanwhile:
// a table that is linked stays (INV-page_table-4).
#pragma once

#include "kernel/lib/bounded_vector.hpp"
#include "mm/page_table/mapping_flaw.hpp"

namespace percival::mm {

struct MappingAudit {
    u64 runs{0};
    u64 flaws{0};
    BoundedVector<FlawedMapping, 8> first{}; // the first of them

    void note(const FlawedMapping& flawed)
    {
        ++flaws;
        (void)first.push(flawed); // flaws counts those without room
    }
};

// Audits all trees that a CPU may be on. While other threads run, the caller keeps the tables of the linear
// map by a LinearTablesStay (kernel/wait/linear_tables_stay.hpp).
MappingAudit audit_mappings();

} // namespace percival::mm
