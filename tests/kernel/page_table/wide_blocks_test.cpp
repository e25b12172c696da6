// SPDX-License-Identifier: BSD-2-Clause
// Tests how the hardware translates the largest blocks of a 52-bit build (512 GiB, 64 GiB, 4 TiB by granule).
// Uses a scratch root, because the CPU's own root is sealed and hardly any machine has enough RAM for such a
// block.
#include "arch/cpu/processor.hpp"
#include "arch/mmu/root_switch.hpp"
#include "kernel/cpus/online.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/roots/roots.hpp"
#include "tests/kernel/support/kernel_space.hpp"
#include "tests/kernel/support/roots.hpp"

#include <algorithm>
#include <array>

namespace percival {
namespace {

constexpr Bytes kWide = KernelGeometry::entry_size(KernelGeometry::kWideBlockLevel);

// The area is far up in the linear map, where no machine has RAM.
constexpr VirtRange kArea{KernelLayout::kLinear.base + Bytes{KernelLayout::kLinear.size.count() / 2},
                          kWide * 2};

// The tables of the scratch root. Keeps a list of them, and frees them at the end.
class ScratchTables : public mm::LiveTables<Pte> {
public:
    ~ScratchTables()
    {
        for (u64 n = 0; n < used_; ++n)
            mm::free_page(pages_[n]);
    }
    static Pte* table(PhysAddr address) { return mm::kernel_tables().table(address); }
    std::optional<PhysAddr> allocate()
    {
        if (used_ == pages_.size())
            return std::nullopt;
        const auto page = mm::allocate_page();
        if (page) {
            zero(table(*page), kPage);
            pages_[used_++] = *page;
        }
        return page;
    }

private:
    std::array<PhysAddr, 2 * KernelGeometry::kLevels> pages_{};
    u64 used_{0};
};

// Returns the hardware's translations of `addresses` under `root`. Boot CPU only. Nothing in between uses
// addresses in which the roots differ.
template <std::size_t N>
std::array<arch::Translation, N> translate_on(PhysAddr root, const std::array<VirtAddr, N>& addresses)
{
    std::array<arch::Translation, N> found{};
    const arch::InterruptMask masked;
    const OnRoot on_root{root};
    for (std::size_t n = 0; n < N; ++n)
        found[n] = arch::translate(addresses[n]);
    return found;
}

PERCIVAL_TEST(wide_blocks, translate_from_their_first_to_their_last_byte_and_can_be_split)
{
    if (!mm::wide_blocks)
        SKIP("this build or this CPU has no 52-bit output addresses");
    ScratchTables tables;
    const auto root = tables.allocate();
    ASSERT(root.has_value());
    // Everything that the kernel needs while it runs on this root is at its usual address.
    std::copy_n(tables.table(mm::cpu_root(kBootCpu)), KernelGeometry::entries(KernelGeometry::kRootLevel),
                tables.table(*root));
    tables.publish();
    // The highest physical addresses, mapped as a device's, so that no speculation accesses them.
    const PhysAddr to{(u64{1} << cpu_features(kBootCpu).value(arch::CpuFeature::PhysicalBits)) -
                      kArea.size.count()};
    mm::PageTable<KernelGeometry, Pte, ScratchTables> table{*root, tables};
    ASSERT(table.map(kArea, to, mm::kDeviceRegisters).has_value());
    EXPECT(table.walk(kArea.base).level == KernelGeometry::kWideBlockLevel);
    EXPECT(table.walk(kArea.end() - Bytes{1}).level == KernelGeometry::kWideBlockLevel);

    const std::array addresses{kArea.base, kArea.base + kPage * 5, kArea.base + kWide - kPage,
                               kArea.base + kWide, kArea.end() - kPage};
    for (const arch::Translation& found : translate_on(mm::cpu_root(kBootCpu), addresses))
        EXPECT(!found.valid);
    const auto whole = translate_on(*root, addresses);
    for (std::size_t n = 0; n < addresses.size(); ++n)
        EXPECT(whole[n].valid && whole[n].address == to + (addresses[n] - kArea.base));

    {
        mm::TlbBatch<KernelGeometry, ScratchTables> batch{tables};
        ASSERT(table.unmap({addresses[1], kPage}, batch).has_value());
    }
    const auto cut = translate_on(*root, addresses);
    for (std::size_t n = 0; n < addresses.size(); ++n)
        EXPECT(cut[n].valid == (n != 1));
    EXPECT_EQ(cut[0].address, to);
    EXPECT_EQ(cut[2].address, to + kWide - kPage);
}

} // namespace
} // namespace percival
