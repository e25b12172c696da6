// SPDX-License-Identifier: BSD-2-Clause
#include "mm/vmalloc/vmalloc.hpp"

#include "arch/cpu/zero_page.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/vmalloc/vm_allocation.hpp"
#include "mm/vmalloc/vm_freed.hpp"
#include "mm/vmalloc/vm_mapping.hpp"

namespace percival::mm {
namespace {

constexpr Bytes kPage = KernelGeometry::kPageSize;

// What the memory holds when the caller gets it.
enum class Contents : u8 { Anything, Zeroes };

struct Request {
    Bytes size;
    Bytes alignment;
    std::optional<NumaNode> node;
    Contents contents;
};

std::optional<PhysAddr> take_block(PageOrder order, std::optional<NumaNode> node)
{
    return node ? allocate_pages_near(*node, order) : allocate_pages(order);
}

void zero_block(PhysAddr block, PageOrder order)
{
    for (u64 page = 0; page < order.pages(); ++page)
        arch::zero_page<kPage.count()>(linear_pointer<void>(block + kPage * page));
}

// Returns the order of the largest block that fits into `size`, which is a multiple of the page size and not
// 0.
PageOrder largest_order_within(Bytes size)
{
    return PageOrder{static_cast<unsigned>(std::bit_width(size.count() >> KernelGeometry::kPageShift)) - 1};
}

// Allocates memory and maps it to the whole area, in blocks from the largest down. Returns false if there is
// not enough memory. In any case `mapped` is the number of bytes mapped.
[[gnu::always_inline]] inline bool fill(VmArea& area, const Request& request, Bytes& mapped)
{
    PageOrder order = kMaxPageOrder;
    bool flushed = false;
    while (mapped < request.size) {
        order = std::min(order, largest_order_within(request.size - mapped));
        const auto block = take_block(order, request.node);
        if (!block) {
            // Before giving up, flush the freed areas once: their pages then return to the page allocator.
            if (order == kOnePage && (flushed || !flush_freed()))
                return false;
            flushed = order == kOnePage;
            order = order == kOnePage ? order : order.down();
            continue;
        }
        if (!area.blocks.push(*block, order)) {
            free_pages(*block, order);
            return false;
        }
        if (request.contents == Contents::Zeroes)
            zero_block(*block, order);
        const Bytes size = kPage * order.pages();
        if (!map_into(area, mapped, {*block, size}, kData))
            return false;
        mapped += size;
    }
    return true;
}

// It becomes a part of its two callers, so that the request stays in registers.
[[gnu::always_inline]] inline std::expected<void*, VmError> allocate(const Request& request, VirtAddr caller)
{
    const auto area = allocate_area(request.size, request.alignment, VmKind::Vmalloc, caller);
    if (!area)
        return std::unexpected{area.error()};
    Bytes mapped{0};
    if (!fill(**area, request, mapped)) {
        undo_area(**area, mapped);
        return std::unexpected{VmError::NoMemory};
    }
    commit_area(**area, request.size);
    // SAFETY: fill() has mapped memory of the area's own at these addresses.
    return reinterpret_cast<void*>((*area)->range.base.raw());
}

// Rounds a request up to whole pages. A size that overflows becomes 0, which no region accepts.
Request to_request(Bytes size, Bytes alignment, std::optional<NumaNode> node, Contents contents)
{
    const Bytes pages = size.align_up(kPage);
    return {pages, alignment, node, contents};
}

} // namespace

std::expected<void*, VmError> vmalloc(Bytes size, Bytes alignment, std::optional<NumaNode> node)
{
    return allocate(to_request(size, alignment, node, Contents::Anything),
                    address_of(__builtin_return_address(0)));
}

std::expected<void*, VmError> vzalloc(Bytes size, Bytes alignment, std::optional<NumaNode> node)
{
    return allocate(to_request(size, alignment, node, Contents::Zeroes),
                    address_of(__builtin_return_address(0)));
}

void vfree(void* address)
{
    if (address != nullptr)
        free_area(address_of(address), VmKind::Vmalloc);
}

} // namespace percival::mm
