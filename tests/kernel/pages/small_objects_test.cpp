// SPDX-License-Identifier: BSD-2-Clause
// Tests small objects: every size is aligned and separate; typed objects; wrong frees; failing allocations.
#include "kernel/selftest/selftest.hpp"
#include "mm/objects/small_objects.hpp"
#include "mm/pages/allocation_failure.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/roots/roots.hpp"
#include "tests/kernel/support/drain.hpp"
#include "tests/kernel/support/guarded_objects.hpp"
#include "tests/kernel/support/page_hoard.hpp"

#include <array>
#include <cstring>

namespace percival {
namespace {

constexpr std::size_t kMany = 200;
constinit std::array<u8*, kMany> objects{};

u64 bytes_in_use()
{
    return mm::memory_statistics().used.count();
}

// Allocates `kMany` objects of a size, fills each with its own byte, checks them all, and frees them.
void check_size(Bytes size)
{
    for (std::size_t index = 0; index < kMany; ++index) {
        objects[index] = static_cast<u8*>(mm::allocate_object(size));
        ASSERT(objects[index] != nullptr);
        EXPECT(address_of(objects[index]).is_aligned(Bytes{size.count() & -size.count()}));
        memset(objects[index], static_cast<int>(index), size.count());
    }
    for (std::size_t index = 0; index < kMany; ++index) {
        const u8 byte = static_cast<u8>(index);
        u32 wrong = 0;
        for (u64 at = 0; at < size.count(); ++at)
            wrong += objects[index][at] != byte;
        EXPECT_EQ(wrong, 0u);
        mm::free_object(objects[index], size);
    }
}

PERCIVAL_TEST(small_objects, objects_of_every_class_are_aligned_and_do_not_overlap)
{
    drain_all_object_stocks();
    const u64 before = bytes_in_use();
    const Bytes in_slabs = mm::memory_statistics().objects;
    for (u32 index = 0; index < mm::kObjectClasses; ++index) {
        const Bytes size = mm::ObjectClass{index}.size();
        if (size <= 4_KiB)
            check_size(size);
    }
    drain_all_object_stocks();
    EXPECT_EQ(bytes_in_use(), before);
    EXPECT_EQ(mm::memory_statistics().objects, in_slabs);
}

PERCIVAL_TEST(small_objects, sizes_beyond_the_classes_are_blocks_of_pages)
{
    const u64 before = bytes_in_use();
    const Bytes size = mm::kLargestSmallObject + Bytes{1};
    void* one_page = mm::allocate_object(size);
    void* three_pages = mm::allocate_object(mm::KernelGeometry::kPageSize * 3);
    ASSERT(one_page != nullptr && three_pages != nullptr);
    EXPECT(address_of(one_page).is_aligned(mm::KernelGeometry::kPageSize));
    EXPECT_EQ(bytes_in_use() - before, (mm::KernelGeometry::kPageSize * 5).count());
    mm::free_object(one_page, size);
    mm::free_object(three_pages, mm::KernelGeometry::kPageSize * 3);
    EXPECT_EQ(bytes_in_use(), before);
    EXPECT(mm::allocate_object(Bytes{u64{1} << 40}) == nullptr);
}

struct Witness {
    explicit Witness(u32& made, u32& ended) : ended_{ended} { ++made; }
    ~Witness() { ++ended_; }
    u32& ended_;
};

struct alignas(128) Aligned {
    u8 bytes[130]; // 256 bytes with its alignment
};

PERCIVAL_TEST(small_objects, typed_objects_are_constructed_aligned_and_destroyed_once)
{
    u32 made = 0;
    u32 ended = 0;
    Witness* plain = mm::create<Witness>(made, ended);
    ASSERT(plain != nullptr);
    {
        const mm::Owned<Witness> owned{mm::create<Witness>(made, ended)};
        EXPECT_EQ(made, 2u);
        EXPECT_EQ(ended, 0u);
    }
    EXPECT_EQ(ended, 1u);
    mm::destroy(plain);
    EXPECT_EQ(ended, 2u);
    Aligned* aligned = mm::create<Aligned>();
    ASSERT(aligned != nullptr);
    EXPECT(address_of(aligned).is_aligned(Bytes{128}));
    mm::destroy(aligned);
    mm::destroy<Aligned>(nullptr);
}

PERCIVAL_TEST(small_objects, a_failed_allocation_returns_null_and_constructs_nothing)
{
    SKIP_WITH_GUARDED_OBJECTS();
    u32 made = 0;
    u32 ended = 0;
    {
        mm::FailNth fail{1};
        EXPECT(mm::create<Witness>(made, ended) == nullptr);
        EXPECT(fail.has_failed());
    }
    // Empty the stock, so that the second allocation is that of a slab.
    mm::drain_object_stock();
    {
        mm::FailNth fail{2};
        EXPECT(mm::create<Witness>(made, ended) == nullptr);
        EXPECT(fail.has_failed());
    }
    EXPECT_EQ(made, 0u);
    const mm::Owned<Witness> now{mm::create<Witness>(made, ended)};
    EXPECT(now != nullptr);
}

PERCIVAL_TEST(small_objects, allocations_return_null_while_memory_is_exhausted)
{
    drain_all_object_stocks();
    drain_all_page_caches();
    const auto before = mm::memory_statistics();
    if (before.total > PageHoard::kMax)
        SKIP("this machine has too much memory to allocate all of it");
    {
        PageHoard hoard;
        hoard.take_everything();
        EXPECT(mm::allocate_object(Bytes{64}) == nullptr);
        EXPECT(mm::allocate_object(mm::kLargestSmallObject * 2) == nullptr);
    }
    void* object = mm::allocate_object(Bytes{64});
    EXPECT(object != nullptr);
    mm::free_object(object, Bytes{64});
    drain_all_object_stocks();
    EXPECT_EQ(mm::memory_statistics().free, before.free);
}

PERCIVAL_TEST(small_objects, a_wrong_free_is_refused)
{
    auto* object = static_cast<u8*>(mm::allocate_object(Bytes{64}));
    ASSERT(object != nullptr);
    const u64 before = mm::memory_statistics().bad_frees;
    u64 wrong = 0;
    const auto free_wrongly = [&wrong](void* what, Bytes size) {
        mm::free_object(what, size);
        mm::drain_object_stock(); // builds without the checks of debug builds detect it here
        ++wrong;
    };
    free_wrongly(object + 8, Bytes{64}); // inside the object
    free_wrongly(object, Bytes{192});    // of another size
    free_wrongly(&wrong, Bytes{64});     // on the stack
    free_wrongly(mm::linear_pointer<void>(mm::cpu_root(kBootCpu)), Bytes{64});
    mm::free_object(object, Bytes{64});
    mm::drain_object_stock();
    free_wrongly(object, Bytes{64}); // a second time
    EXPECT_EQ(mm::memory_statistics().bad_frees - before, wrong);
}

PERCIVAL_TEST(small_objects, the_page_under_an_object_cannot_be_freed_as_a_page)
{
    void* object = mm::allocate_object(Bytes{64});
    ASSERT(object != nullptr);
    const u64 before = mm::memory_statistics().bad_frees;
    mm::free_page(mm::linear_to_physical(address_of(object).align_down(mm::KernelGeometry::kPageSize)));
    EXPECT_EQ(mm::memory_statistics().bad_frees, before + 1);
    mm::free_object(object, Bytes{64});
}

PERCIVAL_TEST(small_objects, a_double_free_and_a_write_after_free_are_reported_at_once)
{
    if (!mm::kPoisonFreedMemory)
        SKIP("freed memory is poisoned in debug builds");
    const auto before = mm::memory_statistics();
    auto* object = static_cast<u64*>(mm::allocate_object(Bytes{64}));
    ASSERT(object != nullptr);
    mm::free_object(object, Bytes{64});
    mm::free_object(object, Bytes{64});
    EXPECT_EQ(mm::memory_statistics().bad_frees, before.bad_frees + 1);
    object[5] = 1;
    EXPECT(mm::allocate_object(Bytes{64}) == object);
    EXPECT_EQ(mm::memory_statistics().late_writes, before.late_writes + 1);
    mm::free_object(object, Bytes{64});
}

} // namespace
} // namespace percival
