// SPDX-License-Identifier: BSD-2-Clause
#include "percpu_store/support/store_machine.hpp"

#include "kernel/sched/thread.hpp"
#include "kernel/sync/preemption.hpp"
#include "kernel/sync/rcu.hpp"
#include "mm/percpu_memory/chunk.hpp"
#include "mm/percpu_memory/pages.hpp"
#include "mm/vmalloc/vm_area.hpp"
#include "mm/vmalloc/vmalloc.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace percival {
namespace testing {
namespace {

PercpuStoreMachine* machine = nullptr;
// Counts the notes of all machines: the region of the local window outlives a machine and keeps one note.
u64 notes_in_use = 0;

constexpr VirtRange kWindow = mm::KernelLayout::kLocalPercpu;

} // namespace

PercpuStoreMachine::PercpuStoreMachine() : pages_(kWindow.size.count() / kPage.count())
{
    machine = this;
}

PercpuStoreMachine::~PercpuStoreMachine()
{
    machine = nullptr;
}

void PercpuStoreMachine::complain(const char* what)
{
    if (complaint_.empty())
        complaint_ = what;
}

void PercpuStoreMachine::expect_no_lock(const char* where)
{
    if (arch::interrupts_masked() || preemption().count != 0)
        complain(where);
}

void PercpuStoreMachine::fail(u64 first, u64 count)
{
    steps_ = 0;
    fails_from_ = first;
    fails_ = count;
    has_failed_ = false;
}

bool PercpuStoreMachine::may_allocate()
{
    ++steps_;
    const bool fails = steps_ >= fails_from_ && steps_ - fails_from_ < fails_;
    has_failed_ |= fails;
    return !fails;
}

u64 PercpuStoreMachine::notes()
{
    return notes_in_use;
}

u64 PercpuStoreMachine::page_of(VirtAddr address)
{
    return (address - kWindow.base).count() / kPage.count();
}

// Calls change(page) for each page of the range, and updates the counts of pages.
template <class Change>
void PercpuStoreMachine::change_pages(VirtRange range, Change change)
{
    const u64 last = page_of(range.end() - Bytes{1});
    for (u64 index = page_of(range.base); index <= last; ++index) {
        Page& page = pages_.at(index);
        populated_ -= page.is_populated ? 1 : 0;
        empty_ -= page.is_empty() ? 1 : 0;
        change(page);
        populated_ += page.is_populated ? 1 : 0;
        empty_ += page.is_empty() ? 1 : 0;
    }
}

u32 PercpuStoreMachine::empty_pages(VirtRange range) const
{
    u32 found = 0;
    for (VirtAddr at = range.base; at < range.end(); at += kPage)
        found += pages_.at(page_of(at)).is_empty() ? 1 : 0;
    return found;
}

void PercpuStoreMachine::use(VirtRange object)
{
    change_pages(object, [this](Page& page) {
        if (!page.is_populated)
            complain("an object lies in a page that has no memory");
        ++page.objects;
    });
}

void PercpuStoreMachine::unuse(VirtRange object)
{
    change_pages(object, [](Page& page) { --page.objects; });
}

void PercpuStoreMachine::populate_at_boot(VirtRange range)
{
    change_pages(range, [](Page& page) { page.is_populated = true; });
}

void* PercpuStoreMachine::allocate_block(Bytes size)
{
    expect_no_lock("a block is allocated with a lock held");
    if (!may_allocate())
        return nullptr;
    ++block_changes_;
    auto block = std::make_unique_for_overwrite<u64[]>((size.count() + 7) / 8);
    void* const address = block.get();
    std::memset(address, 0x23, size.count());
    blocks_.emplace(address, std::move(block));
    return address;
}

void PercpuStoreMachine::free_block(void* address)
{
    expect_no_lock("a block is freed with a lock held");
    if (!blocks_.contains(address))
        return complain("vfree() of an address that is not allocated");
    if (unreachable_.erase(address) == 0)
        complain("a chunk is freed that a reader may still use");
    ++block_changes_;
    blocks_.erase(address);
}

void PercpuStoreMachine::wait_for_readers()
{
    expect_no_lock("the store waits for readers with a lock held");
    for (const auto& [address, block] : blocks_)
        unreachable_.insert(address);
    for (u64 unit = 0; unit < percpu::kUnits; ++unit)
        unreachable_.erase(percpu::directory[unit]);
}

bool PercpuStoreMachine::populate(VirtAddr base, percpu::Pages pages)
{
    expect_no_lock("pages are populated with a lock held");
    if (pages.count() == 0) {
        complain("populate() of an empty range");
        return true;
    }
    // Populates all of the pages, or none.
    for (u32 page = pages.begin; page < pages.end; ++page) {
        if (!may_allocate())
            return false;
    }
    total_populated_ += pages.count();
    change_pages({base + kPage * pages.begin, kPage * pages.count()}, [this](Page& page) {
        if (page.is_populated)
            complain("a page that has memory is populated");
        page.is_populated = true;
    });
    return true;
}

void PercpuStoreMachine::depopulate(VirtAddr base, percpu::Pages pages)
{
    expect_no_lock("pages are depopulated with a lock held");
    if (pages.count() == 0)
        return complain("depopulate() of an empty range");
    total_depopulated_ += pages.count();
    change_pages({base + kPage * pages.begin, kPage * pages.count()}, [this](Page& page) {
        if (!page.is_populated)
            complain("a page without memory is depopulated");
        if (page.objects != 0)
            complain("a page in use is depopulated");
        page.is_populated = false;
    });
}

} // namespace testing

using testing::machine;

mm::VmArea* mm::new_area_note()
{
    if (!machine->may_allocate())
        return nullptr;
    ++testing::notes_in_use;
    return new VmArea;
}

void mm::delete_area_note(VmArea* area)
{
    testing::notes_in_use -= area == nullptr ? 0 : 1;
    delete area;
}

std::expected<void*, mm::VmError> mm::vmalloc(Bytes size, Bytes, std::optional<NumaNode>)
{
    void* const block = machine->allocate_block(size);
    if (block == nullptr)
        return std::unexpected{VmError::NoMemory};
    return block;
}

std::expected<void*, mm::VmError> mm::vzalloc(Bytes size, Bytes alignment, std::optional<NumaNode> node)
{
    const auto block = vmalloc(size, alignment, node);
    if (block)
        std::memset(*block, 0, size.count());
    return block;
}

void mm::vfree(void* address)
{
    if (address != nullptr)
        machine->free_block(address);
}

bool percpu::UnitPages::populate(VirtAddr base, percpu::Pages pages)
{
    return machine->populate(base, pages);
}

void percpu::UnitPages::depopulate(VirtAddr base, percpu::Pages pages)
{
    machine->depopulate(base, pages);
}

void rcu::synchronize()
{
    machine->wait_for_readers();
}

// There is only one thread, so nothing could wake it.
void block()
{
    static_cast<void>(std::fputs("the only thread blocks\n", stderr));
    std::abort();
}

void wake(Thread&) {}

} // namespace percival
