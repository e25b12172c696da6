// SPDX-License-Identifier: BSD-2-Clause
#include "explored/support/explored_kernel.hpp"

#include <algorithm>
#include <stdexcept>

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
    : explorer{e}, machine{count, table_pages}, cpu_count{count}, root{*allocate_table()},
      generation{++last_generation}
{
    explored = this;
    for (u32 cpu = 0; cpu < cpu_count; ++cpu)
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
    last_looked_.at(machine.executing()) = {object, changes_[object]};
    if (acquires(order))
        machine.acquire(object, Machine::Taking::Load);
}

void ExploredKernel::store(const void* object, std::memory_order order)
{
    explorer.touch(object);
    note_change(object);
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
    note_change(object);
    if (acquires(order))
        machine.acquire(object, Machine::Taking::Exchange);
    if (releases(order))
        machine.release(object);
}

void ExploredKernel::note_change(const void* object)
{
    ++changes_[object];
    ++unfinished_stores.at(machine.executing());
}

void ExploredKernel::wait_for_change()
{
    const Looked& last = last_looked_.at(machine.executing());
    explorer.wait_until(last.object, [this, last] { return changes_[last.object] != last.changes; });
}

PhysAddr ExploredKernel::written_at(VirtAddr address)
{
    explorer.access();
    const auto outcomes = machine.outcomes(machine.executing(), address);
    const bool is_certain =
        outcomes.size() == 1 && outcomes[0].address && outcomes[0].attributes == mm::kData;
    require(is_certain, "a write may fault, or go to another page");
    for (const Outcome& outcome : outcomes) {
        if (outcome.address)
            return *outcome.address;
    }
    throw std::logic_error{complaint};
}

void ExploredKernel::require(bool holds, const char* what)
{
    if (!holds && complaint.empty())
        complaint = what;
}

void ExploredKernel::read(u32 cpu, VirtAddr at, std::initializer_list<std::optional<PhysAddr>> allowed)
{
    explorer.access();
    for (const Outcome& outcome : machine.outcomes(cpu, at))
        require(std::ranges::find(allowed, outcome.address) != allowed.end(),
                "a CPU may get a wrong translation");
}

std::string ExploredKernel::verdict()
{
    for (const std::string& violation : machine.take_violations())
        require(false, violation.c_str());
    return complaint;
}

} // namespace percival::testing
