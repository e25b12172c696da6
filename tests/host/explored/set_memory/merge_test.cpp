// SPDX-License-Identifier: BSD-2-Clause
// Explores all interleavings of merges, and of a change there and back, with CPUs that read the pages or
// change others of the same block.
#include "explored/set_memory/set_memory_bed.hpp"
#include "support/interleaving.hpp"

#include <string>

namespace percival::testing {
namespace {

using interleaved::expect_right;
using interleaved::expect_wrong;

// CPU 0 merges a block of which a page was changed there and back. CPU 1 reads it, and the last CPU its
// neighbour.
template <u32 Cpus, Flaw F = kNone>
struct MergeBesideReaders : SetMemoryBed<Cpus, F> {
    explicit MergeBesideReaders(Explorer& e) : SetMemoryBed<Cpus, F>{e}
    {
        this->there_and_back(1);
        this->synchronize_all();
        this->begin_with_one_editor();
    }

    void run(u32 cpu)
    {
        if (cpu == 0)
            return mm::merge_linear_map();
        if (cpu == 1)
            this->look(1, kOnlyRw);
        if (cpu == Cpus - 1)
            this->look(0, kOnlyRw);
    }
    std::string verdict() { return this->verdict_of_one_block(); }
};

TEST(ExploredSetMemoryTest, ABlockIsMergedBesideReaders)
{
    expect_right<MergeBesideReaders<2>>("a block is merged beside a reader");
    expect_right<MergeBesideReaders<3>>("a block is merged beside two readers");
    expect_wrong<MergeBesideReaders<2, without(Loss::Tlbis)>>("a table is freed without a TLBI");
    expect_wrong<MergeBesideReaders<2, without(Loss::OtherCpusTlbis)>>("a merge for the own CPU only");
    expect_wrong<MergeBesideReaders<2, without(Loss::DsbsBefore)>>("no DSB before the TLBIs of a merge");
    expect_wrong<MergeBesideReaders<2, without(Loss::DsbsAfter)>>("no DSB after the TLBIs of a merge");
}

// CPU 0 does all of it: split, change, change back, merge.
template <Flaw F = kNone>
struct WholeLifeBesideReader : SetMemoryBed<2, F> {
    explicit WholeLifeBesideReader(Explorer& e) : SetMemoryBed<2, F>{e} { this->begin_with_one_editor(); }

    void run(u32 cpu)
    {
        if (cpu == 0) {
            this->there_and_back(1);
            mm::merge_linear_map();
            return;
        }
        this->look(1, kEither);
        this->look(0, kOnlyRw);
    }
    std::string verdict() { return this->verdict_of_one_block(); }
};

TEST(ExploredSetMemoryTest, ABlockIsSplitAndMergedBackBesideAReader)
{
    expect_right<WholeLifeBesideReader<>>("a block is split and merged beside a reader");
    expect_wrong<WholeLifeBesideReader<without(Loss::Tlbis)>>("nothing is flushed");
}

// CPU 0 merges what was changed there and back while CPU 1 changes another page of the block.
template <MemoryChange Last, Flaw F = kNone>
struct MergeBesideChange : SetMemoryBed<2, F> {
    explicit MergeBesideChange(Explorer& e) : SetMemoryBed<2, F>{e}
    {
        this->there_and_back(1);
        this->synchronize_all();
        this->begin();
    }

    void run(u32 cpu)
    {
        if (cpu == 0)
            return mm::merge_linear_map();
        this->change(this->page(2), ReadOnly);
        if (Last != ReadOnly)
            this->change(this->page(2), Last);
    }
    std::string verdict()
    {
        this->end();
        this->expect_everywhere(1, kRw);
        this->expect_everywhere(2, Last == ReadOnly ? kRo : kRw);
        if (Last == ReadWrite)
            this->expect_block_after_merge();
        return ExploredKernel::verdict();
    }
};

TEST(ExploredSetMemoryTest, AMergeBesideAChangeLosesNothing)
{
    expect_right<MergeBesideChange<ReadOnly>>("a merge beside a change");
    expect_right<MergeBesideChange<ReadWrite>>("a merge beside a change there and back");
    expect_wrong<MergeBesideChange<ReadOnly, kNoLock>>("a merge beside a change without the lock");
}

// CPU 0 makes a page invalid, gives its memory away, takes it back and makes the page valid. CPU 1 reads.
template <Flaw F = kNone>
struct AwayAndBack : SetMemoryBed<2, F> {
    explicit AwayAndBack(Explorer& e) : SetMemoryBed<2, F>{e} { this->begin_with_one_editor(); }

    void run(u32 cpu)
    {
        if (cpu == 0) {
            this->change(this->page(1), Invalid);
            this->machine.reuse_memory({kMemory + kPage, kPage});
            this->change(this->page(1), Valid);
            this->tell();
        } else if (this->is_told()) {
            this->machine.synchronize(1); // the handler of a fault makes a DSB
            this->look(1, kOnlyRw);
        } else {
            this->look(1, kOnlyRw, true);
            this->look(0, kOnlyRw);
        }
    }
    std::string verdict()
    {
        this->end();
        this->expect_everywhere(1, kRw);
        this->expect_block_after_merge();
        return ExploredKernel::verdict();
    }
};

TEST(ExploredSetMemoryTest, APageMadeInvalidIsReadByNobodyAfterTheReturn)
{
    expect_right<AwayAndBack<>>("a page of a block is away and comes back");
    expect_wrong<AwayAndBack<without(Loss::Tlbis)>>("memory is given away without a TLBI");
    expect_wrong<AwayAndBack<without(Loss::DsbsAfter)>>("memory is given away before the TLBI is complete");
    expect_wrong<AwayAndBack<without(Loss::Publications)>>("a page that is valid again is not published");
}

} // namespace
} // namespace percival::testing
