// SPDX-License-Identifier: BSD-2-Clause
#include "explored/support/explored_kernel.hpp"

namespace percival::testing {
namespace {

u64 last_generation = 0;

bool acquires(std::memory_order order)
{
    return order != std::memory_order_relaxed && order != std::memory_order_release;
}

bool releases(std::memory_order order)
{
    return order == std::memory_order_release || order == std::memory_order_acq_rel ||
           order == std::memory_order_seq_cst;
}

} // namespace

ExploredKernel::ExploredKernel(Explorer& e, u32 count, u64 table_pages)
    : explorer{e}, machine{count, table_pages}, cpus{count}, root{*allocate_table()},
      generation{++last_generation}
{
    explored = this;
    for (u32 cpu = 0; cpu < cpus; ++cpu)
        machine.set_root(cpu, root);
}

ExploredKernel::~ExploredKernel()
{
    explored = nullptr;
}

std::optional<PhysAddr> ExploredKernel::allocate_table()
{
    const auto page = machine.allocate_page();
    if (page) {
        arch::zero_table(machine.pointer(*page), mm::KernelGeometry::kPageSize);
        mm::LiveTables<SimulatedPte>::publish();
    }
    return page;
}

void ExploredKernel::load(const void* object, std::memory_order order)
{
    explorer.touch(object);
    if (acquires(order))
        machine.acquire(object, Machine::Taking::Load);
}

void ExploredKernel::store(const void* object, std::memory_order order)
{
    explorer.touch(object);
    if (releases(order))
        machine.release(object);
}

void ExploredKernel::exchange(const void* object, std::memory_order order)
{
    explorer.touch(object);
    take_over(object, order);
}

void ExploredKernel::take_over(const void* object, std::memory_order order)
{
    if (acquires(order))
        machine.acquire(object, Machine::Taking::Exchange);
    if (releases(order))
        machine.release(object);
}

} // namespace percival::testing
