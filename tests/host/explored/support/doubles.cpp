// SPDX-License-Identifier: BSD-2-Clause
// What the kernel sources of these tests call, and what has no part in the tests.
#include "arch/devices/interrupt_controller.hpp"
#include "kernel/lib/assert.hpp"
#include "kernel/lib/panic.hpp"
#include "kernel/wait/cpus_stay.hpp"
#include "mm/kernel_map/linear_map.hpp"

#include <stdexcept>
#include <string>

namespace percival {

void assertion_failed(const char* expression, std::source_location)
{
    throw std::logic_error{expression};
}

void panic_detail::panic(std::source_location, std::string_view text, Arguments)
{
    throw std::logic_error{std::string{text}};
}

constinit mm::LinearMap mm::linear_map{};
constinit RwLock cpus_change;

CpusStay::CpusStay() PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    cpus_change.lock_shared();
}

CpusStay::~CpusStay() PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    cpus_change.unlock_shared();
}

// The CPU that is woken waits for the change that the interrupt announces
// (ExploredKernel::wait_for_change()).
void arch::send_ipi(CpuId, Ipi) {}

} // namespace percival
