// SPDX-License-Identifier: BSD-2-Clause
// With the boot argument `objects.guard`, a wrong use of a small object faults, and the report knows the
// object, who allocated it and who freed it. Without the argument the tests are skipped.
#include "kernel/cpus/online.hpp"
#include "kernel/lib/symbols.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/guarded_objects/guarded_objects.hpp"
#include "mm/objects/small_objects.hpp"
#include "mm/pages/allocation_failure.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "tests/kernel/support/guarded_objects.hpp"
#include "tests/kernel/support/kernel_space.hpp"
#include "tests/kernel/support/page_hoard.hpp"

#include <algorithm>
#include <string_view>

namespace percival {
namespace {

using mm::GuardedFaultKind;

[[gnu::noinline, clang::disable_tail_calls]] void* allocate_for_guard_test(Bytes size)
{
    return mm::allocate_object(size);
}

[[gnu::noinline, clang::disable_tail_calls]] void free_for_guard_test(void* object, Bytes size)
{
    mm::free_object(object, size);
}

bool contains(const arch::SavedBacktrace& callers, std::string_view function)
{
    return std::ranges::any_of(callers, [function](VirtAddr caller) {
        const auto symbol = find_symbol(caller - Bytes{1});
        return symbol && symbol->name.find(function) != std::string_view::npos;
    });
}

PERCIVAL_TEST(guarded_objects, an_object_ends_where_its_page_ends)
{
    SKIP_WITHOUT_GUARDED_OBJECTS();
    for (u32 index = 0; index < mm::kObjectClasses; ++index) {
        const mm::ObjectClass object_class{index};
        void* object = mm::allocate_object(object_class.size());
        ASSERT(object != nullptr);
        const VirtAddr at = address_of(object);
        EXPECT((at + object_class.size()).is_aligned(kPage));
        EXPECT(at.is_aligned(object_class.alignment()));
        word_at(at) = index;
        EXPECT_EQ(word_at(at), index);
        EXPECT(is_a_hole(at + object_class.size()));
        mm::free_object(object, object_class.size());
    }
}

PERCIVAL_TEST(guarded_objects, a_use_after_free_faults_on_every_cpu_and_names_size_allocator_and_freer)
{
    SKIP_WITHOUT_GUARDED_OBJECTS();
    static constexpr Bytes kSize{64};
    void* object = allocate_for_guard_test(kSize);
    ASSERT(object != nullptr);
    const VirtAddr at = address_of(object);
    run_everywhere([at](CpuId) { EXPECT(!read_from(at).has_value()); });
    EXPECT(!mm::guarded_fault_at(at).has_value());
    free_for_guard_test(object, kSize);
    run_everywhere([at](CpuId) { EXPECT(is_a_hole(at) && is_a_hole(at + (kSize - Bytes{1}))); });

    const auto fault = mm::guarded_fault_at(at + Bytes{8});
    ASSERT(fault.has_value());
    EXPECT(fault->kind == GuardedFaultKind::UseAfterFree);
    EXPECT_EQ(fault->object, at);
    EXPECT_EQ(fault->size, kSize);
    EXPECT(contains(fault->allocated, "allocate_for_guard_test"));
    EXPECT(contains(fault->freed, "free_for_guard_test"));
    EXPECT(!contains(fault->allocated, "free_for_guard_test"));
}

PERCIVAL_TEST(guarded_objects, an_access_behind_an_object_faults_and_names_it)
{
    SKIP_WITHOUT_GUARDED_OBJECTS();
    static constexpr Bytes kSize{96};
    void* object = allocate_for_guard_test(kSize);
    ASSERT(object != nullptr);
    const VirtAddr behind = address_of(object) + kSize;
    EXPECT(is_a_hole(behind));
    const auto fault = mm::guarded_fault_at(behind);
    ASSERT(fault.has_value());
    EXPECT(fault->kind == GuardedFaultKind::BehindObject);
    EXPECT_EQ(fault->object, address_of(object));
    EXPECT_EQ(fault->size, kSize);
    EXPECT(contains(fault->allocated, "allocate_for_guard_test"));
    free_for_guard_test(object, kSize);
    const auto later = mm::guarded_fault_at(behind);
    EXPECT(later && later->kind == GuardedFaultKind::BehindFreedObject);
    EXPECT(later && contains(later->freed, "free_for_guard_test"));
}

PERCIVAL_TEST(guarded_objects, a_second_free_and_a_free_with_a_wrong_size_are_refused)
{
    SKIP_WITHOUT_GUARDED_OBJECTS();
    const u64 before = mm::memory_statistics().bad_frees;
    void* object = mm::allocate_object(Bytes{64});
    ASSERT(object != nullptr);
    mm::free_object(object, Bytes{128});
    EXPECT_EQ(mm::memory_statistics().bad_frees, before + 1);
    EXPECT(!is_a_hole(address_of(object)));
    mm::free_object(object, Bytes{64});
    mm::free_object(object, Bytes{64});
    EXPECT_EQ(mm::memory_statistics().bad_frees, before + 2);
}

PERCIVAL_TEST(guarded_objects, addresses_of_a_freed_object_stay_invalid_while_many_others_come_and_go)
{
    SKIP_WITHOUT_GUARDED_OBJECTS();
    void* object = mm::allocate_object(Bytes{64});
    ASSERT(object != nullptr);
    const VirtAddr at = address_of(object);
    mm::free_object(object, Bytes{64});
    u64 reused = 0;
    for (u32 count = 0; count < 100; ++count) {
        void* other = mm::allocate_object(Bytes{64});
        reused += address_of(other) == at;
        mm::free_object(other, Bytes{64});
    }
    EXPECT_EQ(reused, 0u);
    EXPECT(is_a_hole(at));
}

PERCIVAL_TEST(guarded_objects, the_page_of_a_freed_object_is_free_memory)
{
    SKIP_WITHOUT_GUARDED_OBJECTS();
    const auto churn = [] {
        for (u32 count = 0; count < 1000; ++count)
            mm::free_object(mm::allocate_object(Bytes{64}), Bytes{64});
    };
    churn();
    const Bytes before = mm::memory_statistics().used;
    churn();
    // Tables for addresses that were not in use before stay.
    EXPECT(mm::memory_statistics().used <= before + kPage * 16);
}

PERCIVAL_TEST(guarded_objects, without_memory_an_allocation_is_null_and_the_next_one_with_memory_succeeds)
{
    SKIP_WITHOUT_GUARDED_OBJECTS();
    {
        mm::FailNth fail{1};
        EXPECT(mm::allocate_object(Bytes{64}) == nullptr);
    }
    void* objects[300] = {};
    {
        PageHoard hoard;
        hoard.take_everything();
        u32 count = 0;
        while (count < 300 && (objects[count] = mm::allocate_object(Bytes{2048})) != nullptr)
            ++count;
        EXPECT(count < 300); // slabs with room may serve some
        for (u32 index = 0; index < count; ++index)
            mm::free_object(objects[index], Bytes{2048});
    }
    void* object = mm::allocate_object(Bytes{64});
    ASSERT(object != nullptr);
    EXPECT((address_of(object) + Bytes{64}).is_aligned(kPage));
    mm::free_object(object, Bytes{64});
}

// An object in a chain that needs no list of its objects.
struct Link {
    Link* before;
};

PERCIVAL_TEST(guarded_objects, when_all_slots_are_live_the_slabs_serve)
{
    SKIP_WITHOUT_GUARDED_OBJECTS();
    const u64 slots = mm::guarded_slot_count();
    Link* last = nullptr;
    u64 made = 0;
    u64 in_slabs = 0;
    for (; made < slots + 10; ++made) {
        Link* link = mm::create<Link>(last);
        ASSERT(link != nullptr);
        in_slabs += !(address_of(link) + mm::kObjectSize<Link>).is_aligned(kPage);
        last = link;
    }
    EXPECT(in_slabs >= 9); // an object of a slab may end where a page ends
    while (last != nullptr) {
        Link* before = last->before;
        mm::destroy(last);
        last = before;
    }
    EXPECT(made == slots + 10);
}

// Ends the run: the report names the object, and has both backtraces.
PERCIVAL_TEST_MANUAL(guarded_objects, a_use_after_free_ends_the_run)
{
    void* object = allocate_for_guard_test(Bytes{64});
    free_for_guard_test(object, Bytes{64});
    static_cast<volatile u64*>(object)[1] = 1;
}

PERCIVAL_TEST_MANUAL(guarded_objects, a_write_behind_an_object_ends_the_run)
{
    void* object = allocate_for_guard_test(Bytes{64});
    static_cast<volatile u64*>(object)[8] = 1;
    free_for_guard_test(object, Bytes{64});
}

} // namespace
} // namespace percival
