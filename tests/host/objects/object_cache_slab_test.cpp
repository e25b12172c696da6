// SPDX-License-Identifier: BSD-2-Clause
// Tests size classes and slabs, for every class and granule.
#include "mm/objects/object_cache_slab.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>
#include <vector>

namespace percival::mm {
namespace {

TEST(ObjectClass, is_the_smallest_class_with_enough_room)
{
    for (u64 size = 1; size <= 40000; ++size) {
        const ObjectClass object_class = ObjectClass::of(Bytes{size});
        ASSERT_GE(object_class.size(), Bytes{size});
        if (object_class.index() > 0) {
            ASSERT_LT(ObjectClass{object_class.index() - 1}.size(), Bytes{size});
        }
    }
}

TEST(ObjectClass, has_the_requested_alignment)
{
    for (u64 size = 1; size <= 3000; ++size) {
        for (u64 alignment = 1; alignment <= 1024; alignment *= 2) {
            const ObjectClass object_class = ObjectClass::of(Bytes{size}, Bytes{alignment});
            ASSERT_GE(object_class.size(), Bytes{size});
            ASSERT_EQ(object_class.size().count() % alignment, 0u);
        }
    }
}

struct AlignedBlock {
    explicit AlignedBlock(Bytes size) : memory{std::aligned_alloc(size.count(), size.count())} {}
    ~AlignedBlock() { std::free(memory); }
    AlignedBlock(const AlignedBlock&) = delete;
    AlignedBlock& operator=(const AlignedBlock&) = delete;
    void* memory;
};

class EverySlab : public ::testing::TestWithParam<u64> {};

// Compares random steps with the set of objects that are taken.
TEST_P(EverySlab, hands_out_each_object_once_and_aligned_and_inside_the_slab)
{
    const Bytes page{GetParam()};
    for (u32 index = 0; ObjectClass{index}.size().count() <= page.count() / 2; ++index) {
        const ObjectClass object_class{index};
        const SlabShape shape = slab_shape(object_class, page, Bytes{sizeof(Slab)}, Slab::kMaps);
        const Bytes size = page * shape.order.pages();
        EXPECT_GE(shape.capacity * shape.object.count() * 8, size.count() * 6) << shape.object.count();
        AlignedBlock block{size};
        Slab* slab = Slab::format(block.memory, shape);
        const auto start = reinterpret_cast<u64>(block.memory);
        std::mt19937_64 random{index};
        std::vector<void*> taken;
        std::set<void*> all;
        for (u32 step = 0; step < 3 * shape.capacity + 100; ++step) {
            ASSERT_EQ(slab->is_full(), taken.size() == shape.capacity);
            ASSERT_EQ(slab->is_empty(), taken.empty());
            if (!slab->is_full() && random() % 3 != 0) {
                void* object = slab->take();
                const auto at = reinterpret_cast<u64>(object);
                ASSERT_EQ(at % object_class.alignment().count(), 0u);
                ASSERT_GE(at, start + shape.first_object.count());
                ASSERT_LE(at + shape.object.count(), start + size.count());
                ASSERT_TRUE(std::find(taken.begin(), taken.end(), object) == taken.end());
                std::fill_n(static_cast<u8*>(object), shape.object.count(), u8{0xff});
                taken.push_back(object);
                all.insert(object);
            } else if (!taken.empty()) {
                std::swap(taken[random() % taken.size()], taken.back());
                const auto number = slab->object_at(taken.back());
                ASSERT_TRUE(number);
                ASSERT_TRUE(slab->put(*number));
                ASSERT_FALSE(slab->put(*number));
                taken.pop_back();
            }
        }
        while (!slab->is_full())
            all.insert(slab->take());
        EXPECT_EQ(all.size(), shape.capacity);
    }
}

INSTANTIATE_TEST_SUITE_P(Granules, EverySlab, ::testing::Values(4096, 16384, 65536));

TEST(Slab, recognizes_addresses_that_are_no_object)
{
    const SlabShape shape = slab_shape(ObjectClass::of(Bytes{96}), 4_KiB, Bytes{sizeof(Slab)}, Slab::kMaps);
    AlignedBlock block{4_KiB};
    const Slab* slab = Slab::format(block.memory, shape);
    const char* start = static_cast<const char*>(block.memory);
    for (u64 offset = 0; offset < 4096; ++offset) {
        const bool is_object = offset >= shape.first_object.count() && (4096 - offset) % 96 == 0;
        ASSERT_EQ(slab->object_at(start + offset).has_value(), is_object) << offset;
    }
}

TEST(PagePoison, finds_the_first_damaged_word)
{
    std::vector<u64> memory(512);
    poison(memory.data(), 4_KiB);
    EXPECT_FALSE(find_damaged_poison(memory.data(), 4_KiB));
    memory[511] = 0;
    EXPECT_EQ(find_damaged_poison(memory.data(), 4_KiB), Bytes{511 * 8});
    memory[0] ^= 1;
    EXPECT_EQ(find_damaged_poison(memory.data(), 4_KiB), Bytes{0});
}

} // namespace
} // namespace percival::mm
