// SPDX-License-Identifier: BSD-2-Clause
// Interrupts an allocation or a free before each of its instructions in turn, and has the interruption
// allocate or free as well. Both get memory of their own, and nothing that both freed is lost. The tests are
// deterministic: a hardware breakpoint stands in for the interrupt, wherever an interrupt could be taken.
#include "arch/cpu/sysreg.hpp"
#include "arch/debug/breakpoint.hpp"
#include "kernel/selftest/selftest.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/objects/small_objects.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/percpu_memory/allocator.hpp"
#include "tests/kernel/support/guarded_objects.hpp"

#include <algorithm>
#include <utility>

namespace percival {
namespace {

struct Spsr {
    PERCIVAL_SYSTEM_REGISTER(Spsr, "spsr_el1")
    using I = arch::Field<7>;
};

// Returns true if the breakpoint hit where no interrupt could be taken, because interrupts were masked.
bool interrupts_were_masked()
{
    return Spsr::read().get<Spsr::I>() != 0;
}

struct Pages {
    static void* allocate()
    {
        const auto page = mm::allocate_page();
        return page ? mm::linear_pointer<void>(*page) : nullptr;
    }
    static void free(void* page) { mm::free_page(mm::linear_to_physical(address_of(page))); }
    static const void* allocation() { return reinterpret_cast<const void*>(&mm::allocate_page); }
    static const void* freeing() { return reinterpret_cast<const void*>(&mm::free_page); }
};

struct Objects {
    static void* allocate() { return mm::allocate_object(Bytes{64}); }
    static void free(void* object) { mm::free_object(object, Bytes{64}); }
    static const void* allocation() { return reinterpret_cast<const void*>(&mm::allocate_from); }
    static const void* freeing() { return reinterpret_cast<const void*>(&mm::free_to); }
};

struct Percpu {
    static void* allocate()
    {
        const auto place = percpu::allocate_atomic(Bytes{64}, Bytes{64});
        return place ? reinterpret_cast<void*>(place->raw()) : nullptr;
    }
    static void free(void* object) { percpu::free(address_of(object)); }
    static const void* allocation()
    {
        return reinterpret_cast<const void*>(&percpu::detail::allocate_of_class);
    }
    static const void* freeing() { return reinterpret_cast<const void*>(&percpu::free); }
};

// The memory that the interruption has allocated, or is to free.
constinit void* theirs = nullptr;
constinit u32 interruptions = 0;

template <class Kind>
void allocate_in_between()
{
    if (interrupts_were_masked())
        return;
    ++interruptions;
    theirs = Kind::allocate();
}

template <class Kind>
void free_in_between()
{
    if (interrupts_were_masked())
        return;
    ++interruptions;
    Kind::free(std::exchange(theirs, nullptr));
}

// Calls `attempt(address)` for every instruction of a function up to the return of its fast path.
void for_each_instruction(const void* function, auto attempt)
{
    constexpr u32 kRet = 0xd65f'03c0, kRetaa = 0xd65f'0bff;
    interruptions = 0;
    for (const auto* code = static_cast<const u32*>(function);; ++code) {
        attempt(address_of(code));
        if (*code == kRet || *code == kRetaa)
            break;
    }
    EXPECT(interruptions >= 2);
}

template <class Kind>
void interrupt_allocations()
{
    for_each_instruction(Kind::allocation(), [](VirtAddr instruction) {
        theirs = nullptr;
        void* mine = nullptr;
        {
            const arch::Breakpoint breakpoint{instruction, &allocate_in_between<Kind>};
            mine = Kind::allocate();
        }
        ASSERT(mine != nullptr);
        if (!EXPECT(mine != theirs))
            return;
        Kind::free(mine);
        if (theirs != nullptr)
            Kind::free(theirs);
    });
}

// Expects that two allocations return what the free and the interruption have freed: a stock hands out first
// what it got last.
template <class Kind>
void interrupt_frees()
{
    for_each_instruction(Kind::freeing(), [](VirtAddr instruction) {
        void* const mine = Kind::allocate();
        void* const other = Kind::allocate();
        ASSERT(mine != nullptr && other != nullptr);
        theirs = other;
        {
            const arch::Breakpoint breakpoint{instruction, &free_in_between<Kind>};
            Kind::free(mine);
        }
        if (theirs != nullptr) // interrupts were masked at this instruction
            Kind::free(theirs);
        void* const first = Kind::allocate();
        void* const second = Kind::allocate();
        EXPECT(std::minmax(first, second) == std::minmax(mine, other));
        Kind::free(first);
        Kind::free(second);
    });
}

PERCIVAL_TEST(interrupted_allocation, nested_page_allocation_returns_another_page)
{
    interrupt_allocations<Pages>();
}

PERCIVAL_TEST(interrupted_allocation, a_page_freed_within_a_free_is_not_lost)
{
    interrupt_frees<Pages>();
}

PERCIVAL_TEST(interrupted_allocation, nested_object_allocation_returns_another_object)
{
    interrupt_allocations<Objects>();
}

PERCIVAL_TEST(interrupted_allocation, an_object_freed_within_a_free_is_not_lost)
{
    SKIP_WITH_GUARDED_OBJECTS();
    interrupt_frees<Objects>();
}

PERCIVAL_TEST(interrupted_allocation, nested_percpu_allocation_returns_other_memory)
{
    interrupt_allocations<Percpu>();
}

PERCIVAL_TEST(interrupted_allocation, percpu_memory_freed_within_a_free_is_not_lost)
{
    interrupt_frees<Percpu>();
}

} // namespace
} // namespace percival
