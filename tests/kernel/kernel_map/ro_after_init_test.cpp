// SPDX-License-Identifier: BSD-2-Clause
// Data that only init writes is read-only in the image and in the linear map, and so are the records of the
// patched instructions.
#include "kernel/device_tree/machine.hpp"
#include "kernel/report/fault_address.hpp"
#include "linker/symbols.hpp"
#include "mm/image/boot_tables.hpp"
#include "mm/image/image_seal.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/kernel_map/ro_after_init.hpp"
#include "mm/kernel_map/writable_window.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/window.hpp"
#include "tests/kernel/support/kernel_space.hpp"

extern "C" {
extern const char __start_alternatives[], __stop_alternatives[];
}

namespace percival {
namespace {

VirtAddr linear_alias(VirtAddr in_image)
{
    return mm::linear_address(boot::handoff.image + (in_image - address_of(_image_start)));
}

// Expects that a store to `address` takes a permission fault, and that a report calls it `what`.
void expect_write_is_refused(VirtAddr address, std::string_view what)
{
    const auto fault = arch::catch_fault(
        [](void* target) {
            auto* byte = static_cast<volatile u8*>(target);
            *byte = *byte;
        },
        reinterpret_cast<void*>(address.raw()));
    ASSERT(fault.has_value());
    EXPECT(arch::is_write_abort(fault->esr));
    EXPECT(arch::fault_status(fault->esr).kind == arch::FaultKind::Permission);
    EXPECT_EQ(fault->far, address);
    EXPECT(read_only_memory_at(address) == what);
}

PERCIVAL_TEST(ro_after_init, a_write_to_any_page_faults_in_the_image_and_in_the_linear_map)
{
    constexpr std::string_view kWhat = "data that is read-only after init";
    const VirtRange data = mm::init_data();
    for (VirtAddr page = data.base; data.contains(page); page += kPage) {
        for (const VirtAddr at : {page, page + (kPage - Bytes{1})}) {
            expect_write_is_refused(at, kWhat);
            expect_write_is_refused(linear_alias(at), kWhat);
        }
    }
}

PERCIVAL_TEST(ro_after_init, what_init_has_decided_is_part_of_it)
{
    const auto is_part = [](const volatile void* thing) {
        return mm::init_data().contains(address_of(thing));
    };
    EXPECT(is_part(&mm::linear_map));
    EXPECT(is_part(&mm::kernel_table_settings));
    EXPECT(is_part(&boot::handoff));
    EXPECT(is_part(&this_machine()));
    EXPECT(is_part(&_image_seal));
}

PERCIVAL_TEST(ro_after_init, is_mapped_by_single_pages)
{
    const VirtRange data = mm::init_data();
    u64 others = 0;
    for (VirtAddr page = data.base; data.contains(page); page += kPage) {
        for (const VirtAddr at : {page, linear_alias(page)}) {
            const auto walk = mm::master_table().walk(at);
            others += walk.kind() != mm::PteKind::Leaf || !walk.level.is_last() || walk.is_in_run();
        }
    }
    EXPECT_EQ(others, 0u);
}

PERCIVAL_TEST(ro_after_init, a_write_to_a_record_of_the_alternatives_faults_at_both_addresses)
{
    for (const char* at : {__start_alternatives, __stop_alternatives - 1}) {
        expect_write_is_refused(address_of(at), "read-only data");
        expect_write_is_refused(linear_alias(address_of(at)), "read-only data");
    }
}

PERCIVAL_TEST(ro_after_init, a_writable_window_still_writes_it)
{
    const VirtAddr seal = address_of(&_image_seal);
    const u64 magic = mm::ImageSeal::kMagic;
    {
        const mm::WritableWindow window{mm::image_to_physical(&_image_seal)};
        *window.writable<volatile u64>() = ~magic;
        EXPECT_EQ(word_at(seal), ~magic);
        *window.writable<volatile u64>() = magic;
    }
    EXPECT_EQ(word_at(seal), magic);
    expect_write_is_refused(seal, "data that is read-only after init");
}

PERCIVAL_TEST(ro_after_init, data_behind_it_stays_writable_and_unnamed)
{
    static constinit u64 word = 0;
    word_at(address_of(&word)) = 1;
    EXPECT_EQ(word_at(address_of(&word)), 1u);
    EXPECT(read_only_memory_at(address_of(&word)).empty());
    EXPECT(read_only_memory_at(mm::init_data().base - Bytes{1}).empty());
    EXPECT(read_only_memory_at(VirtAddr{8}).empty());
}

} // namespace
} // namespace percival
