// SPDX-License-Identifier: BSD-2-Clause
// Explores all interleavings of CPUs that allocate and free by vmalloc() and vfree(), flush what was freed,
// and use memory and addresses again. The code is that of mm/vmalloc.
#include "mm/vmalloc/vmalloc.hpp"

#include "explored/support/explored_kernel.hpp"
#include "kernel/lib/console.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/vmalloc/vm_freed.hpp"
#include "mm/vmalloc/vm_region.hpp"
#include "support/interleaving.hpp"
#include "support/vm_area_notes.hpp"

#include <memory>
#include <set>

namespace percival {
namespace testing {
namespace {

using interleaved::expect_right;

constexpr Bytes kPage = mm::KernelGeometry::kPageSize;

// Memory. Each CPU takes its own pages, one after another.
struct Pages {
    static PhysAddr page_of(u32 cpu, u64 n) { return kMemory + kPage * (u64{cpu} << 8 | n); }
    std::optional<PhysAddr> allocate(u32 cpu)
    {
        const PhysAddr page = page_of(cpu, taken[cpu]++);
        in_use.insert(page.raw());
        return page;
    }
    // Returns false if the page is free already.
    bool free(PhysAddr page) { return in_use.erase(page.raw()) == 1; }

    std::array<u64, ExploredKernel::kMaxCpus> taken{};
    std::set<u64> in_use{};
};
Pages* pages = nullptr;

// What the scenarios share. CPU n owns the area `areas[n]` of one page at the start.
template <u32 Cpus>
class World : public ExploredKernel {
public:
    explicit World(Explorer& e) : ExploredKernel{e, Cpus, 16}
    {
        pages = &pages_;
        std::destroy_at(&mm::vmalloc_region());
        std::construct_at(&mm::vmalloc_region(), mm::KernelLayout::kVmalloc, kPage);
        forget_notes();
        for (u32 cpu = 0; cpu < Cpus; ++cpu) {
            machine.execute_on(cpu);
            areas_[cpu] = allocate();
        }
        synchronize_all();
    }
    ~World() { pages = nullptr; }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    static u32 cpus() { return Cpus; }

protected:
    // All CPUs are done: `flusher` flushes what is left.
    void end_with_flush_by(u32 flusher)
    {
        machine.execute_on(flusher);
        mm::flush_freed();
        synchronize_all();
        for (u32 cpu = 0; cpu < Cpus; ++cpu) {
            machine.execute_on(cpu);
            machine.expect_settled();
        }
    }

    VirtAddr area(u32 n) const { return areas_[n]; }
    u64 pages_in_use() const { return pages_.in_use.size(); }

    VirtAddr allocate()
    {
        const auto area = mm::vmalloc(kPage);
        require(area.has_value(), "vmalloc() failed");
        return area ? address_of(*area) : VirtAddr{0};
    }
    void free(VirtAddr area) { mm::vfree(reinterpret_cast<void*>(area.raw())); }

    void synchronize_all()
    {
        for (u32 cpu = 0; cpu < Cpus; ++cpu)
            machine.synchronize(cpu);
    }

private:
    Pages pages_{};
    std::array<VirtAddr, Cpus> areas_{};
};

// Every CPU but the last frees its area, and the last one flushes for all of them.
template <u32 Cpus>
struct OneFlushes : World<Cpus> {
    using World<Cpus>::World;
    static constexpr u32 kLast = Cpus - 1;

    void run(u32 cpu)
    {
        if (cpu == kLast)
            mm::flush_freed();
        else
            this->free(this->area(cpu));
    }
    std::string verdict()
    {
        this->end_with_flush_by(kLast);
        this->require(this->pages_in_use() == 1, "a page was not freed");
        for (u32 n = 0; n < kLast; ++n) {
            for (u32 cpu = 0; cpu < Cpus; ++cpu)
                this->read(cpu, this->area(n), {std::nullopt});
        }
        return ExploredKernel::verdict();
    }
};

TEST(ExploredVmallocTest, OneCpuFlushesWhatOthersHaveFreed)
{
    expect_right<OneFlushes<2>>("one flushes, 2 CPUs");
    expect_right<OneFlushes<3>>("one flushes, 3 CPUs");
}

// CPU 0 frees its area, and CPU 1 flushes. Both allocate, so that CPU 1 may get the same addresses again. A
// third CPU reads there.
template <u32 Cpus>
struct AddressesReused : World<Cpus> {
    using World<Cpus>::World;

    void run(u32 cpu)
    {
        if (cpu == 2)
            return this->read(
                2, this->area(0),
                {Pages::page_of(0, 0), Pages::page_of(0, 1), Pages::page_of(1, 1), std::nullopt});
        if (cpu == 0)
            this->free(this->area(0));
        else
            mm::flush_freed();
        again_[cpu] = this->allocate();
        this->read(cpu, again_[cpu], {Pages::page_of(cpu, 1)});
    }
    std::string verdict()
    {
        this->end_with_flush_by(1);
        this->require(again_[0] != again_[1], "two CPUs got the same addresses");
        this->require(this->pages_in_use() == Cpus + 1, "a page was not freed");
        for (u32 cpu = 0; cpu < Cpus; ++cpu) {
            this->read(cpu, again_[0], {Pages::page_of(0, 1)});
            this->read(cpu, again_[1], {Pages::page_of(1, 1)});
        }
        return ExploredKernel::verdict();
    }

private:
    std::array<VirtAddr, 2> again_{};
};

TEST(ExploredVmallocTest, AddressesAreUsedAgainAfterAFlushByAnotherCpu)
{
    expect_right<AddressesReused<2>>("addresses reused, 2 CPUs");
    expect_right<AddressesReused<3>>("addresses reused, 3 CPUs");
}

// CPU 0 frees its area, flushes, and allocates again, which gives the same addresses with another page. The
// other CPUs read there. They may get the old page until the flush is over, and must get the new one as soon
// as they know that it is mapped.
template <u32 Cpus>
struct MemoryReused : World<Cpus> {
    using World<Cpus>::World;

    void run(u32 cpu)
    {
        if (cpu == 0)
            replace();
        else
            look(cpu);
    }
    std::string verdict()
    {
        this->end_with_flush_by(0);
        for (u32 cpu = 0; cpu < Cpus; ++cpu)
            this->read(cpu, this->area(0), {new_});
        return ExploredKernel::verdict();
    }

private:
    void replace()
    {
        this->free(this->area(0));
        mm::flush_freed();
        set(flushed_);
        this->require(this->allocate() == this->area(0), "the addresses are not the same");
        set(mapped_);
    }
    void look(u32 cpu)
    {
        const bool was_mapped = is_set(mapped_);
        const bool was_flushed = is_set(flushed_);
        if (was_mapped) {
            this->read(cpu, this->area(0), {new_, std::nullopt});
            this->machine.synchronize(cpu); // the handler of the fault, with its DSB
            this->read(cpu, this->area(0), {new_});
        } else if (was_flushed) {
            this->read(cpu, this->area(0), {new_, std::nullopt});
        } else {
            this->read(cpu, this->area(0), {old_, new_, std::nullopt});
        }
    }
    static void set(bool& flag)
    {
        explored->store(&flag, std::memory_order_release);
        flag = true;
    }
    static bool is_set(const bool& flag)
    {
        explored->load(&flag, std::memory_order_acquire);
        return flag;
    }

    const PhysAddr old_{Pages::page_of(0, 0)}, new_{Pages::page_of(0, 1)};
    bool flushed_{false};
    bool mapped_{false};
};

TEST(ExploredVmallocTest, MemoryIsReusedWhileOtherCpusRead)
{
    expect_right<MemoryReused<2>>("memory reused, 2 CPUs");
    expect_right<MemoryReused<3>>("memory reused, 3 CPUs");
}

} // namespace
} // namespace testing

using testing::explored;

std::optional<PhysAddr> mm::allocate_pages(PageOrder)
{
    return testing::pages->allocate(explored->machine.executing());
}

std::optional<PhysAddr> mm::allocate_pages_near(NumaNode, PageOrder order)
{
    return allocate_pages(order);
}

std::optional<PhysAddr> mm::allocate_page()
{
    return allocate_pages(kOnePage);
}

void mm::free_pages(PhysAddr block, PageOrder)
{
    EXPECT_TRUE(testing::pages->free(block));
    explored->machine.reuse_memory({block, KernelGeometry::kPageSize});
}

void mm::free_page(PhysAddr page)
{
    free_pages(page, kOnePage);
}

u64 mm::sum(const PerCpu<u64>&)
{
    return 0;
}

void console_write_line(std::string_view line)
{
    ADD_FAILURE() << line;
}

PerCpu<u64> mm::bad_frees{};

} // namespace percival
