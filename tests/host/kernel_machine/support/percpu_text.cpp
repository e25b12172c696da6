// SPDX-License-Identifier: BSD-2-Clause
#include "kernel_machine/support/percpu_text.hpp"

#include "arch/cpu/atomic_add.hpp"
#include "arch/cpu/barrier.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/percpu/register.hpp"
#include "arch/percpu_modes/alternatives.hpp"
#include "kernel_machine/support/machine.hpp"

#include <cstring>
#include <utility>

// These variables are not the kernel's (support/kernel_state.hpp).
#pragma clang section bss = "" data = ""

namespace percival {
namespace testing {
namespace {

constexpr u32 kAddsOfRound = 1000;

arch::PercpuForm text = arch::kPercpuFormAsLinked;
bool is_being_patched = false;
bool keeps_veneers = false;
u32 times_patched = 0;
// What each CPU has: the distance to its copies, and how often the text had been patched when it fetched it.
std::array<u64, kMaxMachineCpus> distances{};
std::array<u32, kMaxMachineCpus> fetched{};
std::function<u32(u32)> tlb_of_test;

// One add of a form: the first one of a round takes the time of all.
void add(arch::AddForm form, u64* target)
{
    const Aside aside;
    const auto index = static_cast<u32>(form);
    u32& adds = percpu_text.adds[index];
    if (!machine().interrupts_masked())
        machine().fail("adds are measured with interrupts unmasked");
    ++*target;
    const u32 round = adds / kAddsOfRound;
    if (adds++ % kAddsOfRound == 0 && round < kRoundsOfAdds)
        machine().compute(percpu_text.counts_of_adds[index][round]);
}

} // namespace

void set_tlb(std::function<u32(u32)> tlb)
{
    const Aside aside;
    tlb_of_test = std::move(tlb);
}

void translate_local_load(void* address)
{
    ++percpu_text.local_loads;
    machine().make_progress(); // two CPUs that take turns spin in between
    const u32 self = machine().executing();
    const u32 owner = tlb_of_test ? tlb_of_test(self) : self;
    std::memcpy(address, static_cast<std::byte*>(address) + copy_distance(owner), sizeof(u64));
}

void begin_with_text(u32 cpu)
{
    fetched[cpu] = times_patched;
}

void reset_percpu_text()
{
    percpu_text = {};
    text = arch::kPercpuFormAsLinked;
    is_being_patched = false;
    keeps_veneers = false;
    times_patched = 0;
    distances = {};
    fetched = {};
    tlb_of_test = nullptr;
}

} // namespace testing

namespace arch {

void isb()
{
    const testing::Aside aside;
    testing::begin_with_text(testing::machine().executing());
}

u64 read_this_cpu_distance()
{
    const testing::Aside aside;
    const u32 self = testing::machine().executing();
    if (testing::is_being_patched && testing::machine().is_on_cpu())
        testing::machine().fail("a this_cpu operation is executed while the text is patched");
    if (testing::fetched[self] != testing::times_patched && testing::machine().is_on_cpu())
        testing::machine().fail("a this_cpu operation is executed that was fetched before it was patched");
    return testing::distances[self];
}

void set_this_cpu_distance(u64 distance)
{
    const testing::Aside aside;
    testing::distances[testing::machine().executing()] = distance;
}

void add_by_ldadd(u64* target)
{
    testing::add(AddForm::LoadAdd, target);
}

void add_by_stadd(u64* target)
{
    testing::add(AddForm::StoreAdd, target);
}

void add_by_llsc(u64* target)
{
    testing::add(AddForm::LlSc, target);
}

void keep_veneers()
{
    const testing::Aside aside;
    if (testing::times_patched != 0)
        testing::machine().fail("the text is patched before its veneers are kept");
    testing::keeps_veneers = true;
}

void patch_percpu_operations(PercpuForm form)
{
    const testing::Aside aside;
    if (!testing::keeps_veneers || !interrupts_masked() || testing::is_being_patched)
        testing::machine().fail("the text is patched too early or by two");
    testing::is_being_patched = true;
    testing::machine().compute(testing::percpu_text.counts_to_patch);
    testing::is_being_patched = false;
    ++testing::times_patched;
    ++testing::percpu_text.patches;
    testing::text = form;
    testing::begin_with_text(testing::machine().executing());
}

PercpuForm percpu_form()
{
    const testing::Aside aside;
    return testing::text;
}

} // namespace arch
} // namespace percival
