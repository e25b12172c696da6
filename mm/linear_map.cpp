// SPDX-License-Identifier: BSD-2-Clause
#include "mm/linear_map.hpp"

#include "boot/linker_symbols.hpp"
#include "mm/early_memory.hpp"
#include "mm/fold.hpp"
#include "mm/kernel_tables.hpp"

namespace percival::mm {

constinit LinearMap linear_map{};

namespace {

constexpr Bytes kPage = KernelGeometry::kPageSize;

// Tables for the rest of the linear map come from this much RAM, mapped first. With blocks a bank needs two
// tables per level at its edges at most, and 64 banks with all their holes stay far below.
constexpr Bytes kFirstPiece = kPage * 512;

// A part of RAM with protection of its own.
struct Piece {
    PhysRange range;
    bool mapped;
    Attributes attributes;
};

using Pieces = BoundedVector<Piece, kMaxReservations + 4>;

std::expected<void, LinearMapError> as_linear_error(std::expected<void, MapError> result)
{
    if (!result)
        return std::unexpected{LinearMapError::NoMemory};
    return {};
}

PhysRange to_whole_pages(PhysRange range)
{
    const PhysAddr base = range.base.align_down(kPage);
    return {base, range.end().align_up(kPage) - base};
}

// The next piece that begins in or reaches into [at, end).
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
                                        Attributes attributes)
{
    if (from >= to)
        return {};
    return table.map({linear_address(from), to - from}, from, attributes);
}

// Maps a bank, leaving out the pieces or giving them their own protection.
std::expected<void, MapError> map_bank(KernelPageTable& table, PhysRange bank, const Pieces& pieces)
{
    PhysAddr at = bank.base.align_up(kPage);
    const PhysAddr end = bank.end().align_down(kPage);
    while (at < end) {
        const Piece* piece = next_piece(pieces, at, end);
        const PhysAddr plain_end = piece == nullptr ? end : std::max(at, piece->range.base);
        if (auto result = map_plain(table, at, plain_end, kData); !result)
            return result;
        if (piece == nullptr)
            return {};
        const PhysAddr piece_end = std::min(end, piece->range.end());
        if (piece->mapped) {
            if (auto result = map_plain(table, plain_end, piece_end, piece->attributes); !result)
                return result;
        }
        at = piece_end;
    }
    return {};
}

// Maps page by page, so that the protection of any page can be changed later.
std::expected<void, MapError> map_by_pages(KernelPageTable& table, PhysRange range)
{
    for (PhysAddr at = range.base; at < range.end(); at += kPage) {
        if (auto result = table.map({linear_address(at), kPage}, at, kData); !result)
            return result;
    }
    return {};
}

bool place_linear_map(const MachineDescription& machine)
{
    PhysAddr lowest = machine.memory[0].range.base;
    PhysAddr highest = machine.memory[0].range.end();
    for (const MemoryBank& bank : machine.memory) {
        lowest = std::min(lowest, bank.range.base);
        highest = std::max(highest, bank.range.end());
    }
    // Aligned to the largest block, so that physical and linear addresses are aligned alike.
    Bytes alignment = kPage;
    for (Level level = KernelGeometry::kRootLevel; !level.is_last(); level = level.down()) {
        if (KernelGeometry::block_allowed(level)) {
            alignment = KernelGeometry::entry_size(level);
            break;
        }
    }
    const VirtRange region = folded_to_48_bits ? KernelLayout::kFoldedLinear : KernelLayout::kLinear;
    linear_map = {region.base, lowest.align_down(alignment)};
    return highest - linear_map.start <= region.size;
}

bool collect_pieces(Pieces& pieces, const MachineDescription& machine, PhysRange first, PhysRange kept_apart)
{
    const auto image_part = [](const char* from, const char* to) {
        return PhysRange{image_to_physical(from), address_of(to) - address_of(from)};
    };
    bool fits = pieces.push({first, false, {}}) && pieces.push({kept_apart, false, {}}) &&
                pieces.push({image_part(_text, _etext), true, kReadOnlyData}) &&
                pieces.push({image_part(_rodata, _erodata), true, kReadOnlyData});
    for (const Reservation& reservation : machine.reserved) {
        if (reservation.no_map)
            fits = fits && pieces.push({to_whole_pages(reservation.range), false, {}});
    }
    return fits;
}

} // namespace

std::expected<void, LinearMapError> map_linear(const MachineDescription& machine, PhysRange kept_apart)
{
    if (!place_linear_map(machine))
        return std::unexpected{LinearMapError::OutOfReach};
    const auto first = early_memory().allocate(kFirstPiece, kFirstPiece);
    static constinit Pieces pieces; // too large for a stack
    if (!first || !collect_pieces(pieces, machine, *first, kept_apart))
        return std::unexpected{LinearMapError::NoMemory};

    KernelPageTable table = master_table();
    if (auto result = table.map({linear_address(first->base), first->size}, first->base, kData); !result)
        return as_linear_error(result);
    kernel_tables().give(*first);
    if (auto result = map_by_pages(table, kept_apart); !result)
        return as_linear_error(result);
    for (const MemoryBank& bank : machine.memory) {
        if (auto result = map_bank(table, bank.range, pieces); !result)
            return as_linear_error(result);
    }
    kernel_tables().use_early_memory();
    return {};
}

} // namespace percival::mm
