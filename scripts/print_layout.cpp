// SPDX-License-Identifier: BSD-2-Clause
// Prints the constants of mm/address_space/layout.hpp for `./percival layout`, which compiles this program
// for the host with the granule and address size of a preset. Fields are separated by tabs. The first line
// describes the geometry, and each further line a region.
#include "mm/address_space/kernel_geometry.hpp"

#include <cinttypes>
#include <cstdio>

namespace {

using namespace percival;
using mm::KernelGeometry;
using mm::KernelLayout;

// Prints a region with its first and last entry of the root.
void print_region(std::string_view name, VirtRange range)
{
    const VirtAddr last = range.end() - Bytes{1};
    std::printf("%.*s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", static_cast<int>(name.size()),
                name.data(), range.base.raw(), range.size.count(),
                KernelGeometry::index(KernelGeometry::kRootLevel, range.base),
                KernelGeometry::index(KernelGeometry::kRootLevel, last));
}

} // namespace

int main()
{
    constexpr VirtRange kLocal = KernelLayout::kLocalPercpu;
    std::printf("%d\t%d\t%u\t%u\n", KernelGeometry::kRootLevel.number(), KernelLayout::kPrivateLevel.number(),
                static_cast<unsigned>(KernelGeometry::index(KernelLayout::kPrivateLevel, kLocal.base)),
                static_cast<unsigned>(KernelLayout::kWindowEntries));
    for (const auto& [name, range] : KernelLayout::regions(false)) {
        print_region(name, range);
        if (KernelGeometry::kVaBits == 52 && range.base == KernelLayout::kLinear.base)
            print_region("folded linear", KernelLayout::kFoldedLinear);
    }
    return 0;
}
