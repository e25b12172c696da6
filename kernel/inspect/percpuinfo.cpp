// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/inspect/dumps.hpp"

#include "kernel/lib/print.hpp"
#include "mm/percpu/window.hpp"
#include "mm/percpu_memory/pages.hpp"
#include "mm/percpu_memory/stock.hpp"

namespace percival {

void print_percpuinfo()
{
    using mm::KernelGeometry;
    const percpu::FirstChunk first = *percpu::first_chunk();
    print("percpuinfo: first chunk: {} static, {} reserved, {} dynamic; others: {} per CPU",
          address_of(_percpu_end) - address_of(_percpu_start), first.dynamic_begin - first.reserved_begin,
          first.size - first.dynamic_begin, percpu::kUnit);
    const percpu::StoreStatistics now = percpu::store().statistics();
    const Bytes fragmented = now.free - now.largest;
    print("percpuinfo: {} chunks, {} of them unused; of {} pages per CPU {} populated, {} of these empty",
          now.chunks, now.free_chunks, now.pages, now.populated, now.empty);
    print("percpuinfo: of {} per CPU {} free, {} in one piece, {} in others, {} in stock", now.capacity,
          now.free, now.largest, fragmented, percpu::bytes_in_stock());
    const percpu::PageStatistics pages = percpu::page_statistics();
    print("percpuinfo: windows {}; {} populated for all CPUs together since boot; {} flushes for what was "
          "taken away",
          name_of(percpu::window), KernelGeometry::kPageSize * pages.pages, pages.flushes);
}

} // namespace percival
