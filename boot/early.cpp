// SPDX-License-Identifier: BSD-2-Clause
// Runs once on the boot CPU, with the MMU off, at the physical address to which the image was loaded. It
// checks that this CPU supports the translation that this build needs, and builds the idmap and the first
// kernel tables.
//
// Invariants:
// * No code here uses an absolute address of the image. All references are PC-relative; CMake checks that the
//   object has no absolute relocations.
// * All memory written here was discarded from the caches before (boot/start.S), and stays out of them until
//   the MMU is on.
#include "arch/cpu/barrier.hpp"
#include "arch/cpu/id_registers.hpp"
#include "arch/mmu/pte.hpp"
#include "arch/mmu/root_register.hpp"
#include "boot/early_arguments.hpp"
#include "boot/level_choice.hpp"
#include "boot/loader_memory.hpp"
#include "boot/pointer_authentication.hpp"
#include "boot/refuse.hpp"
#include "kernel/boot_arguments/boot_arguments.hpp"
#include "kernel/device_tree/device_tree.hpp"
#include "linker/symbols.hpp"
#include "mm/address_space/fixmap.hpp"
#include "mm/address_space/fold.hpp"
#include "mm/image/boot_tables.hpp"
#include "mm/image/image_seal.hpp"
#include "mm/image/uefi_handoff.hpp"
#include "mm/page_table/page_table.hpp"

namespace percival::boot {

using arch::Pte;
using mm::KernelGeometry;
using mm::KernelLayout;

namespace {

// Accesses tables at their physical addresses and allocates them from the pool.
class MmuOffTables {
public:
    using NoWalkers = void;
    // SAFETY: with the MMU off, the physical address of a table is its address. This holds for all casts of
    // this class between the two.
    Pte* table(PhysAddr address) { return reinterpret_cast<Pte*>(address.raw()); }
    std::optional<PhysAddr> allocate()
    {
        if (boot_tables.pool_used == kPoolTables)
            return std::nullopt;
        return PhysAddr{address_of(&boot_tables.pool[boot_tables.pool_used++]).raw()};
    }
    void store(Pte* slot, Pte value)
    {
        // SAFETY: a Pte consists of one u64.
        *const_cast<volatile u64*>(reinterpret_cast<u64*>(slot)) = value.raw();
    }
    // The walker reads the tables only once the MMU is on, and enable_mmu has a DSB before that.
    void publish() {}
};

template <class G>
using EarlyTable = mm::PageTable<G, Pte, MmuOffTables>;

// Returns the physical address of `thing`, which is its address while the MMU is off.
PhysAddr here(const void* thing)
{
    return PhysAddr{address_of(thing).raw()};
}

// Maps the parts of the image. Returns false if the tables run out, which no input can cause: the pool is
// large enough.
bool map_image(EarlyTable<KernelGeometry>& table)
{
    struct Part {
        const char* start;
        const char* end;
        mm::Attributes attributes;
        mm::Leaves leaves;
    };
    const Part parts[] = {
        {_text, _etext, mm::kText, mm::Leaves::Largest},
        {_rodata, _erodata, mm::kReadOnlyData, mm::Leaves::Largest},
        {_data, _ro_after_init, mm::kData, mm::Leaves::Largest},
        // Becomes read-only in part: mm/kernel_map/ro_after_init.hpp, mm/roots/seal.hpp.
        {_ro_after_init, _eboot_tables, mm::kData, mm::Leaves::Pages},
        {_eboot_tables, _ebss, mm::kData, mm::Leaves::Largest},
    };
    for (const Part& part : parts) {
        const VirtAddr at = KernelLayout::kImageWindow.base + (here(part.start) - here(_image_start));
        if (!table.map({at, here(part.end) - here(part.start)}, here(part.start), part.attributes,
                       part.leaves))
            return false;
    }
    return true;
}

bool map_idmap()
{
    MmuOffTables env;
    EarlyTable<mm::IdmapGeometry> table{here(&boot_tables.idmap), env};
    const auto map_page = [&table](PhysAddr page, mm::Attributes attributes) {
        return table.map({VirtAddr{page.raw()}, KernelGeometry::kPageSize}, page, attributes).has_value();
    };
    return map_page(here(_idmap_text).align_down(KernelGeometry::kPageSize), mm::kText) &&
           map_page(here(_idmap_data), mm::kData);
}

// Refuses if there is no device tree at the address that the loader gave.
Bytes size_of_device_tree(PhysAddr tree)
{
    if (tree == PhysAddr{0})
        refuse("the loader gave no device tree in x0");
    if (!tree.is_aligned(Bytes{kDeviceTreeAlignment}))
        refuse("the device tree in x0 is not at a multiple of 8");
    const auto size = device_tree_size(loader_memory(tree, Bytes{kDeviceTreeHeaderBytes}));
    if (size)
        return *size;
    std::array<char, 120> room;
    Writer text{room};
    text.put("the device tree's header is wrong: ");
    text.put(size.error().property());
    text.put(" ");
    text.put(size.error().problem());
    refuse(text.text());
}

bool map_device_tree(EarlyTable<KernelGeometry>& table)
{
    const PhysAddr start = handoff.device_tree.align_down(KernelGeometry::kPageSize);
    const PhysAddr end = (handoff.device_tree + handoff.device_tree_size).align_up(KernelGeometry::kPageSize);
    handoff.device_tree_at = mm::kFixmapDeviceTree.base + (handoff.device_tree - start);
    return table.map({mm::kFixmapDeviceTree.base, end - start}, start, mm::kReadOnlyData).has_value();
}

// Returns the level at which the kernel is to run, as in CurrentEL. Only a CPU that was entered at EL2 can
// choose, so nobody else reads the arguments here.
u64 choose_level()
{
    const EntryFacts facts{.entered_at_el2 = handoff.entered_at_el2 != 0,
                           .has_vhe = has_vhe(arch::IdAa64Mmfr1::read())};
    if (!reason_against_el2(facts).empty())
        return kAtEl1;
    std::string_view arguments = uefi_handoff.facts().boot_arguments;
    if (arguments.empty())
        arguments = boot_arguments_in(loader_memory(handoff.device_tree, handoff.device_tree_size));
    return level_of_kernel(BootArguments{arguments}.choice(BootArgumentTable::kEl).value, facts);
}

// A function instead of a constant: a pointer in static storage would be an absolute address.
const char* misaligned()
{
    switch (mm::kKernelGranule) {
    case mm::Granule::K4:
        return "the image does not start at a multiple of 4 KiB, its page size; 2 MiB are best";
    case mm::Granule::K16:
        return "the image does not start at a multiple of 16 KiB, its page size; 2 MiB are best";
    case mm::Granule::K64:
        return "the image does not start at a multiple of 64 KiB, its page size; 2 MiB are best";
    }
    return "";
}

} // namespace

// What boot/start.S takes from x0 and x1.
struct FirstTables {
    u64 root;  // TTBR1 value of the master root
    u64 level; // that of the kernel, as in CurrentEL
};

// Builds the first tables, and chooses the level of the kernel. Takes the loader's x0.
extern "C" FirstTables boot_build_tables(u64 device_tree)
{
    handoff.device_tree = PhysAddr{device_tree};
    if (!mm::image_is_whole())
        refuse_cut_image();
    handoff.image = here(_image_start);
    handoff.device_tree_size = size_of_device_tree(handoff.device_tree);
    refuse_unless_translation_is_supported();
    if (!handoff.image.is_aligned(KernelGeometry::kPageSize))
        refuse(misaligned());
    make_pointer_authentication_key();
    mm::folded_to_48_bits =
        KernelGeometry::kVaBits == 52 && !arch::translates_52_bits(KernelGeometry::kGranule);
    mm::wide_blocks = KernelGeometry::kVaBits == 52 && arch::has_wide_blocks(KernelGeometry::kGranule);
    handoff.level = choose_level();

    MmuOffTables env;
    EarlyTable<KernelGeometry> table{here(&boot_tables.master), env};
    if (!map_idmap() || !map_image(table) || !map_device_tree(table))
        refuse("the boot table pool is too small");
    // SAFETY: a table is read at its physical address while the MMU is off.
    const auto at = [](PhysAddr address) { return reinterpret_cast<const u64*>(address.raw()); };
    return {.root =
                arch::root_register(mm::walk_start<KernelGeometry, Pte>(here(&boot_tables.master), at)).raw,
            .level = handoff.level};
}

} // namespace percival::boot
