// SPDX-License-Identifier: BSD-2-Clause
// Tests W^X, guard pages and null pointers: every forbidden access faults, with the right kind of fault.
#include "arch/mmu/root_switch.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/sync/preemption.hpp"
#include "linker/symbols.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/kernel_map/spurious_fault.hpp"
#include "mm/percpu/area.hpp"
#include "mm/roots/roots.hpp"
#include "mm/vmalloc/stacks.hpp"
#include "tests/kernel/support/endless_recursion.hpp"
#include "tests/kernel/support/kernel_space.hpp"

// Instructions of text to which control may be led by an indirect branch, and to which it may not.
// clang-format off
asm(".pushsection .text.protection_test, \"ax\"\n"
    "protection_test_landing_pad: hint #34\n" // BTI c
    "protection_test_no_landing_pad: nop\n"
    "ret\n"
    ".popsection");
// clang-format on
extern "C" const char protection_test_landing_pad[], protection_test_no_landing_pad[];

namespace percival {
namespace {

using arch::FaultKind;

constinit u64 writable_data[16] = {};

std::optional<arch::Fault> write_to(VirtAddr address)
{
    return arch::catch_fault(
        [](void* target) {
            auto* word = static_cast<volatile u32*>(target);
            *word = *word;
        },
        reinterpret_cast<void*>(address.raw()));
}

[[clang::no_sanitize("undefined")]] std::optional<arch::Fault> jump_to(VirtAddr address)
{
    return arch::catch_fault([](void* target) { reinterpret_cast<void (*)()>(target)(); },
                             reinterpret_cast<void*>(address.raw()));
}

// Returns how often this CPU has retried an access. A forbidden access does not get allowed by itself, so it
// is reported at once.
u64 faults_retried_here()
{
    return mm::spurious_faults.read();
}

void expect_write_is_refused(VirtAddr address)
{
    const u64 retried = faults_retried_here();
    const auto fault = write_to(address);
    ASSERT(fault.has_value());
    EXPECT_EQ(faults_retried_here(), retried);
    EXPECT(arch::is_data_abort(fault->esr) && arch::is_write_abort(fault->esr));
    EXPECT(arch::fault_status(fault->esr).kind == FaultKind::Permission);
    EXPECT_EQ(fault->far, address);
}

PERCIVAL_TEST(protection, a_write_to_text_faults)
{
    expect_write_is_refused(address_of(_text));
    expect_write_is_refused(address_of(_etext) - Bytes{8});
}

PERCIVAL_TEST(protection, a_write_to_read_only_data_faults)
{
    expect_write_is_refused(address_of(_rodata));
    expect_write_is_refused(address_of(_erodata) - Bytes{8});
}

PERCIVAL_TEST(protection, a_write_to_text_through_the_linear_map_faults)
{
    expect_write_is_refused(mm::linear_address(mm::image_to_physical(_text)));
    expect_write_is_refused(mm::linear_address(mm::image_to_physical(_rodata)));
}

void expect_jump_is_refused(VirtAddr address)
{
    const u64 retried = faults_retried_here();
    const auto fault = jump_to(address);
    ASSERT(fault.has_value());
    EXPECT_EQ(faults_retried_here(), retried);
    EXPECT(arch::is_instruction_abort(fault->esr));
    EXPECT(arch::fault_status(fault->esr).kind == FaultKind::Permission);
    EXPECT_EQ(fault->far, address);
}

PERCIVAL_TEST(protection, a_jump_to_data_faults)
{
    expect_jump_is_refused(address_of(writable_data));
    expect_jump_is_refused(address_of(_rodata));
    expect_jump_is_refused(cpu_stack(kBootCpu).base);
}

PERCIVAL_TEST(protection, a_jump_to_the_linear_alias_of_text_faults)
{
    expect_jump_is_refused(mm::linear_address(mm::image_to_physical(_text)));
}

PERCIVAL_TEST(protection, an_indirect_call_into_the_middle_of_a_function_faults_with_bti)
{
    constexpr u64 kBranchTarget = 0x0d; // ESR_EL1.EC
    const PreemptGuard pin;
    if (!cpu_features(this_cpu_id()).has(arch::CpuFeature::Bti))
        SKIP("this CPU has no FEAT_BTI");
    EXPECT(!jump_to(address_of(protection_test_landing_pad)).has_value());
    const auto fault = jump_to(address_of(protection_test_no_landing_pad));
    ASSERT(fault.has_value());
    EXPECT_EQ(fault->esr >> 26 & 0x3f, kBranchTarget);
    EXPECT_EQ(fault->pc, address_of(protection_test_no_landing_pad));
}

PERCIVAL_TEST(protection, null_pointers_fault)
{
    for (const VirtAddr address : {VirtAddr{8}, VirtAddr{4096}})
        EXPECT(is_a_hole(address));
}

// Counts from the descriptors themselves, independently of the attributes that were requested.
struct Leaves {
    u64 seen{0};
    u64 writable_and_executable{0};
    u64 accessible_from_user{0};
};

void count_leaves(PhysAddr table, mm::Level level, Leaves& leaves)
{
    constexpr u64 kUserAccess = u64{1} << 6, kReadOnly = u64{1} << 7, kExecuteNever = u64{1} << 53;
    const arch::Pte* entries = mm::kernel_tables().table(table);
    for (u64 index = 0; index < mm::KernelGeometry::entries(level); ++index) {
        const arch::Pte entry = entries[index];
        if (entry.kind(level) == mm::PteKind::Table) {
            count_leaves(entry.address(), level.down(), leaves);
        } else if (entry.kind(level) == mm::PteKind::Leaf) {
            ++leaves.seen;
            leaves.writable_and_executable += (entry.raw() & (kReadOnly | kExecuteNever)) == 0;
            leaves.accessible_from_user += (entry.raw() & kUserAccess) != 0;
        }
    }
}

PERCIVAL_TEST(protection, no_page_is_writable_and_executable_or_accessible_to_user_mode)
{
    Leaves leaves;
    count_leaves(mm::cpu_root(kBootCpu), mm::KernelGeometry::kRootLevel, leaves);
    EXPECT(leaves.seen > 10);
    EXPECT_EQ(leaves.writable_and_executable, 0u);
    EXPECT_EQ(leaves.accessible_from_user, 0u);
}

PERCIVAL_TEST(protection, every_stack_is_mapped_and_lies_between_guard_pages)
{
    for_each_online_cpu([](CpuId cpu) {
        const VirtRange stack = cpu_stack(cpu);
        EXPECT(arch::translate(stack.base).valid);
        EXPECT(arch::translate(stack.end() - Bytes{1}).valid);
        EXPECT(!arch::translate(stack.base - Bytes{1}).valid);
        EXPECT(!arch::translate(stack.end()).valid);
    });
}

PERCIVAL_TEST(protection, a_stack_overflow_is_caught_and_distinguished_from_other_faults)
{
    const auto overflow = arch::catch_fault([](void*) { recurse_endlessly(); }, nullptr);
    ASSERT(overflow.has_value());
    EXPECT(overflow->stack_overflow);
    EXPECT(current_thread().stack.base - overflow->far < arch::kStackSize);

    const auto other = read_from(VirtAddr{8});
    ASSERT(other.has_value());
    EXPECT(!other->stack_overflow);
}

PERCIVAL_TEST(protection, code_that_does_not_fault_is_not_reported)
{
    EXPECT(!arch::catch_fault([](void*) {}, nullptr).has_value());
    EXPECT(!write_to(address_of(writable_data)).has_value());
}

} // namespace
} // namespace percival
