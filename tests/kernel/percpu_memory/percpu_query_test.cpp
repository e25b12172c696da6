// SPDX-License-Identifier: BSD-2-Clause
// Tests look-ups of percpu addresses: the kind of address, the CPU whose copy it names, and its physical
// address.
#include "kernel/wait/run_everywhere.hpp"
#include "linker/symbols.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu_memory/address.hpp"
#include "tests/kernel/support/percpu_support.hpp"

namespace percival {
namespace {

constexpr VirtRange kWindow = mm::KernelLayout::kLocalPercpu;

PERCIVAL_PERCPU PerCpu<u64> variable{};

// Checks that the local address and each CPU's alias of it are of this kind.
void expect_kind(VirtAddr local, percpu::AddressKind kind)
{
    const auto found = percpu::find_address(local);
    EXPECT_EQ(found.kind, kind);
    EXPECT_EQ(found.local, local);
    EXPECT(!found.cpu.has_value());
    EXPECT_EQ(percpu::is_address(local), kind != percpu::AddressKind::Unused);
    for_each_possible_cpu([&](CpuId cpu) {
        const auto alias = percpu::find_address(mm::local_to_global(local, cpu));
        EXPECT_EQ(alias.kind, kind);
        EXPECT_EQ(alias.local, local);
        EXPECT(alias.cpu.has_value() && *alias.cpu == cpu);
    });
}

PERCIVAL_TEST(percpu_query, static_variables_are_known_to_the_last_byte)
{
    expect_kind(variable.local_address(), percpu::AddressKind::Static);
    expect_kind(address_of(_percpu_start), percpu::AddressKind::Static);
    expect_kind(address_of(_percpu_end) - Bytes{1}, percpu::AddressKind::Static);
    EXPECT(!percpu::find_address(variable.local_address()).allocated);
}

PERCIVAL_TEST(percpu_query, allocations_and_their_first_bytes_are_known)
{
    const Percpu object{Bytes{100}};
    ASSERT(object);
    expect_kind(object.address(), percpu::AddressKind::Dynamic);
    expect_kind(object.address() + Bytes{99}, percpu::AddressKind::Dynamic);
    EXPECT(percpu::find_address(object.address()).allocated);
    EXPECT(percpu::find_address(mm::local_to_global(object.address(), kBootCpu)).allocated);
    EXPECT(!percpu::find_address(object.address() + kGrain).allocated);
    EXPECT(!percpu::find_address(object.address() + Bytes{1}).allocated);
}

PERCIVAL_TEST(percpu_query, the_reserved_part_is_known_whether_it_is_in_use_or_not)
{
    const auto place = percpu::allocate_reserved(Bytes{16}, kGrain);
    ASSERT(place.has_value());
    expect_kind(*place, percpu::AddressKind::Reserved);
    EXPECT(percpu::find_address(*place).allocated);
    percpu::free(*place);
    expect_kind(*place, percpu::AddressKind::Reserved);
    EXPECT(!percpu::find_address(*place).allocated);
}

// The rest of the first chunk's last unit and the end of the window belong to no chunk.
PERCIVAL_TEST(percpu_query, addresses_outside_all_chunks_are_unused)
{
    const Bytes first = percpu::first_chunk()->size;
    const VirtAddr next_unit =
        kWindow.base + percpu::kUnit * ((first.count() - 1) / percpu::kUnit.count() + 1);
    for (VirtAddr at = kWindow.base + first; at < next_unit; at += Bytes{1021})
        expect_kind(at, percpu::AddressKind::Unused);
    expect_kind(kWindow.end() - Bytes{1}, percpu::AddressKind::Unused);
    expect_kind(kWindow.end() - percpu::kUnit, percpu::AddressKind::Unused);
}

PERCIVAL_TEST(percpu_query, addresses_outside_the_percpu_areas_are_not_percpu_addresses)
{
    constexpr VirtRange kGlobal = mm::KernelLayout::kGlobalPercpu;
    const VirtAddr behind_the_slabs = kGlobal.base + mm::KernelLayout::kSlabSize * possible_cpu_count();
    for (const VirtAddr address :
         {VirtAddr{0}, address_of(_text), kWindow.base - Bytes{1}, kWindow.end(), kGlobal.base - Bytes{1},
          behind_the_slabs, kGlobal.end(), VirtAddr{~u64{0}}}) {
        EXPECT_EQ(percpu::find_address(address).kind, percpu::AddressKind::None);
        EXPECT(!percpu::is_address(address));
    }
}

// Compares with the MMU's own translation on each CPU, for the local and the global address.
PERCIVAL_TEST(percpu_query, the_physical_address_is_the_one_each_cpu_reaches)
{
    const Percpu object{percpu::kMaxSize};
    ASSERT(object);
    const VirtAddr places[] = {variable.local_address(), object.address(), object.address() + Bytes{12345},
                               object.address() + percpu::kMaxSize - Bytes{1}};
    for (const VirtAddr local : places) {
        run_everywhere([local](CpuId cpu) {
            const auto asked = percpu::to_phys(local, cpu);
            const auto here = arch::translate(own_address(local));
            const auto there = arch::translate(mm::local_to_global(local, cpu));
            ASSERT(asked.has_value() && here.valid && there.valid);
            const Bytes into{local.raw() % kPage.count()};
            EXPECT_EQ(*asked - into, PhysAddr{here.address.raw() & ~(kPage.count() - 1)});
            EXPECT_EQ(*asked - into, PhysAddr{there.address.raw() & ~(kPage.count() - 1)});
        });
        for_each_possible_cpu([local](CpuId a) {
            for_each_possible_cpu([local, a](CpuId b) {
                if (a < b && b.index() < 8)
                    EXPECT(percpu::to_phys(local, a) != percpu::to_phys(local, b));
            });
        });
    }
    EXPECT(!percpu::to_phys(address_of(_text), kBootCpu).has_value());
    EXPECT(!percpu::to_phys(kWindow.end() - Bytes{1}, kBootCpu).has_value());
    EXPECT(!percpu::to_phys(variable.local_address(), CpuId{possible_cpu_count()}).has_value());
    EXPECT(!percpu::to_phys(mm::local_to_global(object.address(), kBootCpu), kBootCpu).has_value());
}

} // namespace
} // namespace percival
