// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/report/fault_address.hpp"

#include "kernel/lib/print.hpp"
#include "linker/ro_after_init.hpp"
#include "linker/symbols.hpp"
#include "mm/image/image.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/kernel_map/ro_after_init.hpp"
#include "mm/percpu/area.hpp"
#include "mm/roots/roots.hpp"

#include <optional>

namespace percival {
namespace {

PERCIVAL_RO_AFTER_INIT constinit const FaultExplainer* facility = nullptr;

// Returns the physical address behind an address of the image or of the linear map.
std::optional<PhysAddr> physical_of(VirtAddr address)
{
    const PhysRange image = mm::image_in_memory();
    if (VirtRange{address_of(_image_start), image.size}.contains(address))
        return image.base + (address - address_of(_image_start));
    const VirtRange linear{mm::linear_map.base, mm::KernelLayout::kLinear.size};
    if (mm::linear_map.base != VirtAddr{0} && linear.contains(address))
        return mm::linear_to_physical(address);
    return std::nullopt;
}

bool is_in_part(PhysAddr address, const char* from, const char* to)
{
    return PhysRange{mm::image_to_physical(from), address_of(to) - address_of(from)}.contains(address);
}

} // namespace

void set_fault_explainer(const FaultExplainer& explainer)
{
    facility = &explainer;
}

std::string_view read_only_memory_at(VirtAddr address)
{
    const auto physical = physical_of(address);
    if (!physical)
        return {};
    if (is_in_part(*physical, _text, _etext))
        return "the kernel's text";
    if (is_in_part(*physical, _rodata, _erodata))
        return "read-only data";
    if (mm::init_data_is_sealed() && is_in_part(*physical, _ro_after_init, _ero_after_init))
        return "data that is read-only after init";
    if (mm::private_tables().contains(*physical))
        return "the private tables of a CPU's root";
    return {};
}

void explain_fault_address(VirtAddr address)
{
    if (const std::string_view what = read_only_memory_at(address); !what.empty())
        print("  far is in {}", what);
    if (facility != nullptr)
        facility->print(address);
}

} // namespace percival
