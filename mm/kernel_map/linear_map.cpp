// SPDX-License-Identifier: BSD-2-Clause
#include "mm/kernel_map/linear_map.hpp"

#include "arch/mmu/translation_registers.hpp"
#include "kernel/lib/assert.hpp"
#include "linker/ro_after_init.hpp"
#include "linker/symbols.hpp"
#include "mm/address_space/fold.hpp"
#include "mm/image/image.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/linear_window.hpp"
#include "mm/physical/early_memory.hpp"

namespace percival::mm {

PERCIVAL_RO_AFTER_INIT constinit LinearMap linear_map{};
constinit Leaves linear_leaves = Leaves::Largest;

namespace {

constexpr Bytes kPage = KernelGeometry::kPageSize;

// The size of the RAM that is mapped first, through one table of the boot pool, to hold the tables for the
// rest of the linear map. With blocks, a bank needs at most two tables per level at its edges, and 64 banks
// with all their holes need far less than this. With pages it holds the tables of a larger piece, and that
// one holds all others.
constexpr Bytes kFirstPiece = kPage * 512;

// A part of RAM with its own protection.
struct Piece {
    PhysRange range;
    bool mapped;
    Attributes attributes;
    Leaves leaves{Leaves::Largest};
};

using Pieces = BoundedVector<Piece, 2 * kMaxReservations + 8>; // a reservation around the image makes two

PhysRange to_whole_pages(PhysRange range)
{
    const PhysAddr base = range.base.align_down(kPage);
    return {base, range.end().align_up(kPage) - base};
}

// Returns the first piece that overlaps [at, end), or null.
const Piece* next_piece(const Pieces& pieces, PhysAddr at, PhysAddr end)
{
    const Piece* next = nullptr;
    for (const Piece& piece : pieces) {
        if (piece.range.overlaps({at, end - at}) && (next == nullptr || piece.range.base < next->range.base))
            next = &piece;
    }
    return next;
}

std::expected<void, MapError> map_plain(KernelPageTable& table, PhysAddr from, PhysAddr to,
                                        Attributes attributes, Leaves leaves)
{
    if (from >= to)
        return {};
    return table.map({linear_address(from), to - from}, from, attributes, leaves);
}

// Maps a bank, leaving out the pieces that are not mapped, and giving the others their own protection.
std::expected<void, MapError> map_bank(KernelPageTable& table, PhysRange bank, const Pieces& pieces,
                                       Leaves leaves)
{
    PhysAddr at = bank.base.align_up(kPage);
    const PhysAddr end = bank.end().align_down(kPage);
    while (at < end) {
        const Piece* piece = next_piece(pieces, at, end);
        const PhysAddr plain_end = piece == nullptr ? end : std::max(at, piece->range.base);
        if (auto result = map_plain(table, at, plain_end, kData, leaves); !result)
            return result;
        if (piece == nullptr)
            return {};
        const PhysAddr piece_end = std::min(end, piece->range.end());
        if (piece->mapped) {
            const Leaves piece_leaves = leaves == Leaves::Pages ? leaves : piece->leaves;
            if (auto result = map_plain(table, plain_end, piece_end, piece->attributes, piece_leaves);
                !result)
                return result;
        }
        at = piece_end;
    }
    return {};
}

// Returns the memory for the tables that map all banks by pages: one last-level table per span, the levels
// above (less than one in 500 of those), and the spans that a bank covers in part at each end.
Bytes page_table_memory(const MachineDescription& machine)
{
    constexpr Bytes kSpan = KernelGeometry::entry_size(kLastLevel.up());
    u64 tables = 0;
    for (const MemoryBank& bank : machine.memory)
        tables += bank.range.size.count() / kSpan.count() + 2 * KernelGeometry::kLevels;
    return kPage * (tables + tables / 256);
}

// Takes memory for tables and maps it, each piece with tables from the previous one, until there is enough.
std::expected<void, LinearMapError> map_table_memory(KernelPageTable& table, Bytes needed, Leaves leaves,
                                                     Pieces& pieces)
{
    // A table maps at least this many pages, so a piece holds the tables for a piece this many times larger.
    constexpr u64 kGrowth = 256;
    Bytes size = kFirstPiece;
    Bytes alignment = kFirstPiece;
    for (;;) {
        const auto piece = early_memory().allocate(size, alignment);
        if (!piece || !pieces.push({*piece, false, {}}) ||
            !map_plain(table, piece->base, piece->end(), kData, leaves))
            return std::unexpected{LinearMapError::NoMemory};
        kernel_tables().use_pages(*piece);
        if (size >= needed)
            return {};
        size = std::min(needed, size * kGrowth);
        alignment = kPage;
    }
}

// The largest block, so that physical and linear addresses have the same alignment.
Bytes linear_alignment()
{
    for (Level level = KernelGeometry::kRootLevel; !level.is_last(); level = level.down()) {
        if (KernelGeometry::block_allowed(level))
            return KernelGeometry::entry_size(level);
    }
    return kPage;
}

void place_linear_map(const MachineDescription& machine, Leaves leaves)
{
    PhysAddr lowest = machine.memory[0].range.base;
    PhysAddr highest = machine.memory[0].range.end();
    for (const MemoryBank& bank : machine.memory) {
        lowest = std::min(lowest, bank.range.base);
        highest = std::max(highest, bank.range.end());
    }
    const VirtRange region = linear_region();
    linear_map = {region.base, lowest.align_down(linear_alignment())};
    linear_leaves = leaves;
    PERCIVAL_ASSERT(highest - linear_map.start <= region.size); // keep_reachable_memory()
}

bool collect_pieces(Pieces& pieces, const MachineDescription& machine, PhysRange kept_apart)
{
    const auto image_part = [](const char* from, const char* to) {
        return PhysRange{image_to_physical(from), address_of(to) - address_of(from)};
    };
    bool fits = (kept_apart.is_empty() || pieces.push({kept_apart, false, {}})) &&
                pieces.push({image_part(_text, _etext), true, kReadOnlyData}) &&
                pieces.push({image_part(_rodata, _erodata), true, kReadOnlyData}) &&
                pieces.push({image_part(_ro_after_init, _eboot_tables), true, kData, Leaves::Pages});
    for (const Reservation& reservation : machine.reserved) {
        if (!reservation.no_map)
            continue;
        // The kernel cannot do without the pages of its image, and the tree is wrong about them.
        for (const PhysRange part :
             without(to_whole_pages(reservation.range), to_whole_pages(image_in_memory())))
            fits = fits && (part.is_empty() || pieces.push({part, false, {}}));
    }
    return fits;
}

} // namespace

VirtRange linear_region()
{
    return folded_to_48_bits ? KernelLayout::kFoldedLinear : KernelLayout::kLinear;
}

PhysRange linear_window(const MachineDescription& machine)
{
    return linear_window(machine.memory, image_in_memory(), linear_region().size, linear_alignment(),
                         arch::output_address_limit());
}

PhysRange reach_of_linear_map()
{
    return {linear_map.start,
            std::min(linear_region().size, arch::output_address_limit() - linear_map.start)};
}

std::expected<void, LinearMapError> map_linear(const MachineDescription& machine, PhysRange kept_apart,
                                               Leaves leaves)
{
    place_linear_map(machine, leaves);
    static constinit Pieces pieces; // too large for a stack
    if (!collect_pieces(pieces, machine, kept_apart))
        return std::unexpected{LinearMapError::NoMemory};

    KernelPageTable table = master_table();
    const Bytes needed = leaves == Leaves::Pages ? page_table_memory(machine) : kFirstPiece;
    if (auto result = map_table_memory(table, needed, leaves, pieces); !result)
        return result;
    if (!kept_apart.is_empty() && !map_plain(table, kept_apart.base, kept_apart.end(), kData, Leaves::Pages))
        return std::unexpected{LinearMapError::NoMemory};
    for (const MemoryBank& bank : machine.memory) {
        if (!map_bank(table, bank.range, pieces, leaves))
            return std::unexpected{LinearMapError::NoMemory};
    }
    kernel_tables().use_linear_map();
    return {};
}

} // namespace percival::mm
