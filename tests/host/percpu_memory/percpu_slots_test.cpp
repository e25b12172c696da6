// SPDX-License-Identifier: BSD-2-Clause
// Tests Slots: the order in which percpu chunks are searched for room.
#include "mm/percpu_memory/chunk_map.hpp"
#include "mm/percpu_memory/slots.hpp"
#include "tests/host/support/percpu_map_model.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <vector>

namespace percival::mm {
namespace {

constexpr Bytes kPage = 4_KiB;

percpu::Request request(u64 size, u64 alignment = 4)
{
    return *percpu::Request::of(Bytes{size}, Bytes{alignment}, kPage);
}

struct Chunk : percpu::Slotted<Chunk> {
    explicit Chunk(Bytes unit = 16_KiB) : memory{unit}, map{memory.storage(), Bytes{0}, unit} {}

    Bytes largest_free() const { return map.largest_free(); }
    bool is_unused() const { return map.is_unused(); }

    testing::PercpuMapMemory memory;
    percpu::ChunkMap map;
};

struct Slots {
    // Adds a chunk with one free run of `free` bytes.
    Chunk& add(u64 free)
    {
        Chunk& chunk = chunks.emplace_back();
        if (free < 16'384) {
            EXPECT_TRUE(chunk.map.allocate(request(16'384 - free)));
        }
        slots.add(chunk);
        return chunk;
    }
    Chunk* allocate(percpu::Request wanted)
    {
        return slots.allocate(wanted, true, [&](Chunk& chunk) {
            asked.push_back(&chunk);
            const auto offset = chunk.map.allocate(wanted);
            last = offset.value_or(Bytes{~u64{0}});
            return offset.has_value();
        });
    }
    void free(Chunk& chunk, Bytes offset)
    {
        EXPECT_TRUE(chunk.map.free(offset));
        slots.after_free(chunk);
    }

    std::deque<Chunk> chunks;
    percpu::Slots<Chunk> slots;
    std::vector<Chunk*> asked;
    Bytes last{};
};

TEST(PercpuSlots, TheFullestChunkWithRoomIsUsed)
{
    Slots s;
    s.add(16'384);
    s.add(4096);
    Chunk& fullest = s.add(80);
    s.add(40);
    Chunk& small = s.add(8);
    EXPECT_EQ(s.allocate(request(64)), &fullest);
    EXPECT_EQ(s.asked, (std::vector<Chunk*>{&fullest}));
    EXPECT_EQ(s.allocate(request(8)), &small);
    EXPECT_EQ(small.largest_free(), Bytes{0});
    EXPECT_EQ(s.allocate(request(8)), &fullest);
}

TEST(PercpuSlots, UnusedChunksAreSearchedLastAndListed)
{
    Slots s;
    Chunk& unused = s.add(16'384);
    EXPECT_EQ(s.slots.first_unused(), &unused);
    EXPECT_EQ(percpu::Slots<Chunk>::after(unused), nullptr);
    Chunk& used = s.add(16'000);
    EXPECT_EQ(s.allocate(request(8)), &used);
    EXPECT_EQ(s.allocate(request(16'384 / 2)), &used);
    EXPECT_EQ(s.allocate(request(16'384 / 2)), &unused);
    EXPECT_EQ(unused.slot_kind(), percpu::SlotKind::Sized);
    EXPECT_EQ(s.slots.first_unused(), nullptr);
    s.free(unused, s.last);
    EXPECT_EQ(unused.slot_kind(), percpu::SlotKind::Unused);
    EXPECT_EQ(s.allocate(request(16'384)), &unused);
    EXPECT_EQ(s.allocate(request(16'384)), nullptr);
}

TEST(PercpuSlots, AnIsolatedChunkDrainsUntilItIsNeeded)
{
    Slots s;
    Chunk& isolated = s.add(16'000);
    s.add(16'384);
    s.slots.isolate(isolated);
    Chunk& fuller = s.add(64);
    EXPECT_EQ(s.allocate(request(64)), &fuller);
    EXPECT_EQ(isolated.slot_kind(), percpu::SlotKind::Isolated);
    EXPECT_EQ(s.allocate(request(64)), &isolated);
    EXPECT_EQ(isolated.slot_kind(), percpu::SlotKind::Sized);
    s.slots.isolate(isolated);
    s.free(isolated, s.last);
    EXPECT_EQ(isolated.slot_kind(), percpu::SlotKind::Isolated);
    s.slots.reintegrate(isolated);
    EXPECT_EQ(isolated.slot_kind(), percpu::SlotKind::Sized);
    s.slots.isolate(isolated);
    s.free(isolated, Bytes{0}); // the last allocation in the chunk
    EXPECT_EQ(isolated.slot_kind(), percpu::SlotKind::Unused);
}

TEST(PercpuSlots, AChunkThatFailedIsNotSearchedUntilSomethingIsFreedInIt)
{
    Slots s;
    Chunk& misaligned = s.add(0);
    ASSERT_TRUE(misaligned.map.free(Bytes{0}));
    ASSERT_TRUE(misaligned.map.allocate(request(4)));
    ASSERT_TRUE(misaligned.map.allocate(request(16'384 - 64)));
    ASSERT_EQ(misaligned.largest_free(), Bytes{60}); // the run starts 4 bytes behind a multiple of 64
    s.slots.after_free(misaligned);
    Chunk& other = s.add(16'384);
    EXPECT_EQ(s.allocate(request(32, 64)), &other);
    EXPECT_EQ(misaligned.slot_kind(), percpu::SlotKind::Sidelined);
    s.asked.clear();
    EXPECT_EQ(s.allocate(request(32, 64)), &other);
    EXPECT_EQ(s.asked, (std::vector<Chunk*>{&other}));
    s.free(misaligned, Bytes{0});
    EXPECT_EQ(misaligned.slot_kind(), percpu::SlotKind::Sized);
    EXPECT_EQ(s.allocate(request(4)), &misaligned);
}

TEST(PercpuSlots, OnlySmallUnrestrictedRequestsSidelineAChunk)
{
    Slots s;
    Chunk& chunk = s.add(1000);
    EXPECT_EQ(s.allocate(request(512, 4096)), nullptr);
    EXPECT_EQ(chunk.slot_kind(), percpu::SlotKind::Sized);
    const auto never = [](Chunk&) { return false; };
    EXPECT_EQ(s.slots.allocate(request(8), false, never), nullptr);
    EXPECT_EQ(chunk.slot_kind(), percpu::SlotKind::Sized);
    EXPECT_EQ(s.slots.allocate(request(8), true, never), nullptr);
    EXPECT_EQ(chunk.slot_kind(), percpu::SlotKind::Sidelined);
}

TEST(PercpuSlots, AChunkIsQueuedOnceForDepopulationUntilItIsRemoved)
{
    Slots s;
    Chunk& a = s.add(64);
    Chunk& b = s.add(64);
    Chunk& c = s.add(64);
    for (Chunk* chunk : {&a, &b, &a, &c})
        s.slots.queue_depopulation(*chunk);
    s.slots.remove(b);
    EXPECT_EQ(s.slots.take_for_depopulation(), &a);
    s.slots.queue_depopulation(a);
    EXPECT_EQ(s.slots.take_for_depopulation(), &c);
    EXPECT_EQ(s.slots.take_for_depopulation(), &a);
    EXPECT_EQ(s.slots.take_for_depopulation(), nullptr);
}

// Random operations: allocate() finds room whenever a chunk that is not sidelined has it, and takes the chunk
// of the lowest rank.
TEST(PercpuSlots, RandomUseNeverPassesOverAFullerChunk)
{
    for (u64 seed = 0; seed < 8; ++seed) {
        std::mt19937_64 random{seed};
        Slots s;
        for (int index = 0; index < 8; ++index)
            s.add(16'384);
        std::vector<std::pair<Chunk*, Bytes>> live;
        const auto rank = [](const Chunk& chunk, percpu::Request wanted) {
            const u64 grains = chunk.largest_free().count() / 4;
            if (grains < wanted.grains() || chunk.slot_kind() == percpu::SlotKind::Sidelined)
                return 100;
            return chunk.slot_kind() == percpu::SlotKind::Sized ? static_cast<int>(std::bit_width(grains))
                   : chunk.slot_kind() == percpu::SlotKind::Isolated ? 50
                                                                     : 51;
        };
        for (int step = 0; step < 6000; ++step) {
            const bool fill = (step / 1000) % 2 == 0;
            Chunk& any = s.chunks[random() % s.chunks.size()];
            if (random() % 50 == 0)
                s.slots.isolate(any);
            if (random() % 100 == 0)
                s.slots.reintegrate(any);
            if (random() % 4 < (fill ? 3u : 1u)) {
                const percpu::Request wanted = request(1 + random() % (random() % 8 == 0 ? 8000 : 100));
                int best = 100;
                for (const Chunk& chunk : s.chunks)
                    best = std::min(best, rank(chunk, wanted));
                int before = 100;
                Chunk* chosen = s.slots.allocate(wanted, true, [&](Chunk& chunk) {
                    before = rank(chunk, wanted);
                    // Cannot fail: the request has no alignment above a grain.
                    s.last = *chunk.map.allocate(wanted);
                    return true;
                });
                ASSERT_EQ(before, best);
                ASSERT_EQ(chosen != nullptr, best != 100);
                if (chosen != nullptr)
                    live.emplace_back(chosen, s.last);
            } else if (!live.empty()) {
                std::swap(live[random() % live.size()], live.back());
                s.free(*live.back().first, live.back().second);
                live.pop_back();
            }
            for (const Chunk& chunk : s.chunks)
                ASSERT_EQ(chunk.slot_kind() == percpu::SlotKind::Unused, chunk.is_unused());
        }
    }
}

} // namespace
} // namespace percival::mm
