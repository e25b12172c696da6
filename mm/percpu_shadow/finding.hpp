// SPDX-License-Identifier: BSD-2-Clause
// A wrong access to percpu memory, as the shadow shows it.
#pragma once

#include "kernel/lib/address.hpp"
#include "mm/percpu_shadow/states.hpp"

#include <optional>

namespace percival::percpu::shadow {

struct Finding {
    Wrong wrong;
    bool writes;
    VirtAddr access; // the first byte of the access, at its local or global address
    Bytes size;      // of the access
    VirtAddr byte;   // the first wrong byte
    CpuId cpu;       // whose copy it is
    // The local address and the size of the object that contains the byte or, if the access is out of bounds,
    // of the nearest one below it. Nothing if there is none.
    std::optional<VirtRange> object;
};

// Reports a wrong access: panics, or counts it if a test expects it. The caller is the wrong access, or was
// called by it. Any context. Defined in mm/percpu_report/report.cpp.
void report(const Finding& finding);

} // namespace percival::percpu::shadow
