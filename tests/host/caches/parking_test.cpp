// SPDX-License-Identifier: BSD-2-Clause
// Tests parking on a model of a memory behind caches. The parked CPU accesses the memory itself. What the
// CPUs that are up store reaches the memory when it is cleaned, or by chance at any time before. They read
// what their caches hold, until they discard it.
#include "arch/arm64/devices/parking.hpp"
#include "arch/cpu/cache_lines.hpp"
#include "arch/mmu/idmap.hpp"
#include "arch/mmu/translation_registers.hpp"
#include "tests/host/caches/cache_model.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <utility>
#include <vector>

namespace percival::arch {
namespace {

constexpr u64 kGranule = kMaxWritebackGranule;
constexpr u64 kIsParked = 256; // parking.S
constexpr u64 kEntry = 0x4008'0000;

using Contents = std::array<u64, kGranule / sizeof(u64)>;

// A granule of memory whose words begin as zero. The program's own memory is what the caches show.
struct Granule {
    Contents memory{};
    Contents filled{}; // what the caches held when they were filled or cleaned
};

Contents& cached(u64 granule)
{
    // SAFETY: the granule is a half of a mailbox, which consists of words.
    return *reinterpret_cast<Contents*>(granule);
}

// The mailboxes keep their contents from one test to the next, so does their memory.
std::map<u64, Granule> granules;

class Caches final : public CacheModel {
public:
    Caches() : CacheModel{0x8444'c004} {}

    u64 mailbox{0}; // once a CPU waits in it
    u32 events{0};

    // An access of the parked CPU.
    u64& memory_word(u64 address)
    {
        return granules[address / kGranule * kGranule].memory[address % kGranule / sizeof(u64)];
    }
    // Writes a granule back if it is dirty, as caches may at any time.
    static void write_back(u64 base, Granule& granule)
    {
        if (cached(base) != granule.filled)
            granule.memory = granule.filled = cached(base);
    }
    static void write_all_back()
    {
        for (auto& [base, granule] : granules)
            write_back(base, granule);
    }

    void maintain(CacheOperation operation, u64 address) override
    {
        EXPECT_EQ(operation, CacheOperation::CleanAndInvalidate);
        const u64 base = address / kGranule * kGranule;
        write_back(base, granules[base]);
        discarded_.push_back(base);
    }
    void dsb(Shareability shareability, Access access) override
    {
        EXPECT_EQ(shareability, Shareability::FullSystem); // the parked CPU is in no shareability domain
        EXPECT_EQ(access, Access::Any);
        for (const u64 base : std::exchange(discarded_, {}))
            cached(base) = granules[base].filled = granules[base].memory;
        // The parked CPU may wake up without an event.
        if (mailbox != 0 && memory_word(mailbox) != 0)
            EXPECT_EQ(memory_word(mailbox + kIsParked), 0u) << "a CPU that runs counts as parked";
    }
    void send_event() override
    {
        ++events;
        EXPECT_EQ(memory_word(mailbox), kEntry) << "the event overtakes the entry";
    }

private:
    std::vector<u64> discarded_{};
};

struct Waits {
    u64 mailbox;
    u64 mmu_off;
};
bool is_in_idmap = false;

class ParkingTest : public testing::Test {
protected:
    // Parks this CPU, and plays its part with the MMU off.
    void park()
    {
        is_in_idmap = false;
        caches.mailbox = 0;
        try {
            parking::park_this_cpu();
        } catch (const Waits& waits) {
            caches.mailbox = waits.mailbox;
            EXPECT_EQ(waits.mmu_off, Sctlr::mmu_off().raw);
        }
        ASSERT_NE(caches.mailbox, 0u);
        EXPECT_TRUE(is_in_idmap);
        EXPECT_FALSE(parking::is_parked(kBootCpu));
        caches.memory_word(caches.mailbox + kIsParked) = 1;
        EXPECT_EQ(caches.memory_word(caches.mailbox), 0u) << "the CPU does not stay";
    }
    Caches caches;
};

TEST_F(ParkingTest, a_cpu_parks_stays_and_continues_at_its_entry_again_and_again)
{
    for (u32 round = 1; round <= 3; ++round) {
        park();
        for (u32 look = 0; look < 2; ++look) {
            EXPECT_TRUE(parking::is_parked(kBootCpu));
            EXPECT_FALSE(parking::is_parked(CpuId{1}));
            Caches::write_all_back();
            EXPECT_EQ(caches.memory_word(caches.mailbox), 0u);
            EXPECT_EQ(caches.memory_word(caches.mailbox + kIsParked), 1u);
        }
        parking::release(kBootCpu, PhysAddr{kEntry});
        EXPECT_EQ(caches.events, round);
        EXPECT_EQ(caches.memory_word(caches.mailbox), kEntry);
        EXPECT_FALSE(parking::is_parked(kBootCpu));
    }
}

TEST_F(ParkingTest, caches_that_write_back_more_than_half_a_mailbox_allow_no_parking)
{
    constexpr u64 kOthers = 0x8040'c004;
    for (const u64 granule : {0u, 4u, 6u}) { // unknown, 64 and 256 bytes
        caches.cache_type = kOthers | granule << 24;
        EXPECT_TRUE(parking::is_possible());
    }
    for (const u64 granule : {7u, 9u}) {
        caches.cache_type = kOthers | granule << 24;
        EXPECT_FALSE(parking::is_possible());
    }
}

} // namespace

void enter_idmap()
{
    is_in_idmap = true;
}

extern "C" [[noreturn]] void wait_in_mailbox(u64 mailbox, u64 mmu_off)
{
    throw Waits{mailbox, mmu_off};
}

} // namespace percival::arch
