// SPDX-License-Identifier: BSD-2-Clause
// The model's registers in memory: of the distributor, of a redistributor, and of a GICv2's CPU interface.
#include "arch/simulation/gic_model.hpp"

#include <algorithm>

namespace percival {

// --- States of interrupts

std::optional<GicModel::State> GicModel::state_at(u64 address)
{
    struct Range {
        u64 base;
        u32 first; // words
        u32 end;
        u32 set_enable, clear_enable, set_pending, clear_pending, set_active, clear_active;
        Word* words;
        bool is_private;
    };
    const Range ranges[] = {
        {private_frame(), 0, is_v3() ? 3u : 1u, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380, own.data(), true},
        {kDistributor, 1, 8, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380, shared.data(), false},
        {kDistributor, 0, is_v3() && has_extended_shared ? 2u : 0u, 0x1200, 0x1400, 0x1600, 0x1800, 0x1a00,
         0x1c00, extended_shared.data(), false},
    };
    for (const Range& range : ranges) {
        const auto at = [&](u32 offset, u32 Word::* field, bool clears) -> std::optional<State> {
            const u64 first = range.base + offset + 4 * range.first;
            if (address < first || address >= range.base + offset + 4 * range.end)
                return {};
            Word* const word = range.words + (address - range.base - offset) / 4;
            return State{word, field, clears, range.is_private && word == own.data()};
        };
        for (const auto& found :
             {at(range.set_enable, &Word::enabled, false), at(range.clear_enable, &Word::enabled, true),
              at(range.set_pending, &Word::pending, false), at(range.clear_pending, &Word::pending, true),
              at(range.set_active, &Word::active, false), at(range.clear_active, &Word::active, true)}) {
            if (found)
                return found;
        }
    }
    return {};
}

void GicModel::change(const State& state, u64 address, u32 bits)
{
    constexpr u32 kSgis = 0xffff;
    const bool is_own = address - private_frame() < kFrame && state.word >= own.data() &&
                        state.word < own.data() + own.size();
    if (!is_own && is_distributor_enabled())
        wrong("shared interrupts change while the distributor forwards them", address);
    if (state.is_private)
        bits &= ~hidden;
    if (state.is_private && !is_v3() && state.field == &Word::pending)
        bits &= ~kSgis;
    u32& word = state.word->*state.field;
    Unfinished& unfinished = is_own ? of_redistributor_ : of_distributor_;
    if (!state.clears) {
        if (state.field == &Word::enabled && unfinished.polls != 0)
            wrong("interrupts are enabled before the disable has taken effect", address);
        word |= bits;
    } else if (is_v3() && state.field == &Word::enabled) {
        unfinished.cleared.emplace_back(&word, bits);
        begin(unfinished, is_own ? Stuck::Redistributor : Stuck::Distributor);
    } else {
        word &= ~bits;
    }
}

// --- Device registers

std::optional<u64> GicModel::read_redistributor(u64 address, u32 bits)
{
    for (const Redistributor& one : redistributors) {
        if (address == one.address + 0xffe8) // PIDR2
            return one.revision << 4 | 0xb;
        if (address == one.address + 0x8 || address == one.address + 0xc) { // GICR_TYPER
            if (bits != 64)
                wrong("half of GICR_TYPER", address);
            return one.affinity << 32 | u64{2} << 27 | u64{0x5555} << 8 | u64{one.is_last} << 4 |
                   u64{one.has_virtual_lpis} << 1 | 0x29;
        }
    }
    if (address == own_frame()) // GICR_CTLR
        return u64{lpis_enabled} | u64{poll(of_redistributor_)} << 3 | 0x7 << 24;
    if (address == own_frame() + 0x14) { // GICR_WAKER
        const bool children_asleep = redistributor_sleeps || asleep_polls_ != 0;
        if (el3_has_fiq)
            return 0;
        if (!redistributor_sleeps && asleep_polls_ != 0 && stuck != Stuck::Waker)
            --asleep_polls_;
        return u64{1} << 31 | u64{redistributor_sleeps} << 1 | u64{children_asleep} << 2;
    }
    const bool is_in_region = std::ranges::any_of(regions, [=](const auto& region) {
        return address >= region.first && address < region.first + region.second;
    });
    if (is_in_region && (address & 0xffff) == 0xffe8)
        return 0; // there is nothing
    return {};
}

u64 GicModel::read(u64 address, u32 bits)
{
    step();
    if (acknowledge_is_unfinished_)
        wrong("read before the acknowledge has finished", address);
    if (is_v3()) {
        if (const auto value = read_redistributor(address, bits))
            return *value;
    }
    if (bits != 32)
        wrong("64-bit read", address);
    if (const auto state = state_at(address)) {
        const u32 value = state->word->*state->field;
        return state->is_private ? value & ~hidden : value;
    }
    if (address == private_frame() + 0x80)
        return el3_has_fiq ? 0 : group & ~hidden;
    if (address == kDistributor)
        return distributor_control | (is_v3() ? u64{poll(of_distributor_)} << 31 : 0);
    if (is_v3() && address == kDistributor + 0xffe8)
        return distributor_revision << 4 | 0xb;
    if (address == kDistributor + 0x4) { // GICD_TYPER: 256 interrupts
        constexpr u64 kOthers = 7 << 5 | 1 << 10 | 0x1f << 11;
        if (!is_v3())
            return 7 | kOthers;
        return 7 | kOthers | u64{has_extended_shared} << 8 | u64{distributor_has_range_selector} << 26 |
               1 << 25 | u64{1} << 27;
    }
    if (is_v3()) {
        wrong("read of no register", address);
        return 0;
    }
    const auto word_of = [](const u8* four) {
        return u32{four[0]} | u32{four[1]} << 8 | u32{four[2]} << 16 | u32{four[3]} << 24;
    };
    if (address >= kDistributor + 0x800 && address < kDistributor + 0x820)
        return word_of(&targets[address - kDistributor - 0x800]);
    if (address >= kDistributor + 0xf10 && address < kDistributor + 0xf20)
        return word_of(&sgi_senders[address - kDistributor - 0xf10]);
    switch (address) {
    case kCpuInterface:
        return interface_control;
    case kCpuInterface + 0x4:
        return mask_as_read();
    case kCpuInterface + 0xc:
        return acknowledge();
    default:
        wrong("read of no register", address);
        return 0;
    }
}

bool GicModel::write_redistributor(u64 address, u32 value)
{
    if (address == own_frame()) {
        if ((value & ~1u & ~0x8u) != 0x7 << 24)
            wrong("change of the firmware's bits of GICR_CTLR", u64{value});
        lpis_enabled = (value & 1) != 0;
        begin(of_redistributor_, Stuck::Redistributor);
        return true;
    }
    if (address == own_frame() + 0x14) {
        if (!el3_has_fiq && (value & ~6u) != u32{1} << 31)
            wrong("change of the bits of GICR_WAKER that the implementation defines", u64{value});
        if (!el3_has_fiq)
            redistributor_sleeps = (value & 2) != 0;
        return true;
    }
    if (address - private_frame() < kFrame && !el3_has_fiq && (redistributor_sleeps || asleep_polls_ != 0))
        wrong("private interrupts change while the redistributor sleeps", address);
    return false;
}

void GicModel::write(u64 address, u64 value, u32 bits)
{
    step();
    if (bits != 32)
        wrong("64-bit write", address);
    if (acknowledge_is_unfinished_)
        wrong("write before the acknowledge has finished", address);
    const auto word = static_cast<u32>(value);
    if (is_v3() && write_redistributor(address, word))
        return;
    if (const auto state = state_at(address))
        return change(*state, address, word);
    if (address == kDistributor)
        return write_distributor_control(word);
    const u64 in_private = address - private_frame();
    if (in_private == 0x80) {
        if (!el3_has_fiq)
            group = word & ~hidden;
        return;
    }
    if (in_private >= 0x400 && in_private < 0x420 && in_private % 4 == 0) {
        for (u32 byte = 0; byte < 4; ++byte) {
            const u32 priority = word >> 8 * byte & 0xff;
            priorities[in_private - 0x400 + byte] =
                static_cast<u8>(el3_has_fiq ? priority >> 1 | 0x80 : priority);
        }
        return;
    }
    if (in_private == 0xc04) {
        if ((own[0].enabled & ~hidden & 0xffff'0000) != 0)
            wrong("configuration of enabled interrupts", address);
        ppi_configuration = word;
        return;
    }
    if (is_v3())
        return wrong("write of no register", address);
    if (address >= kDistributor + 0xf10 && address < kDistributor + 0xf20) {
        if (word == 0)
            wrong("write of a register that a hypervisor has for reads only", address);
        for (u32 byte = 0; byte < 4; ++byte)
            sgi_senders[address - kDistributor - 0xf10 + byte] &= static_cast<u8>(~(word >> 8 * byte));
        return;
    }
    const bool is_set_up = address == kCpuInterface + 0x4 || address == kCpuInterface + 0x8 ||
                           (address >= kCpuInterface + 0xd0 && address < kCpuInterface + 0xe0);
    if (is_set_up && is_interface_enabled())
        wrong("set-up of an enabled CPU interface", address);
    switch (address) {
    case kDistributor + 0xf00:
        check_stores(word);
        sent.push_back(word);
        return;
    case kCpuInterface:
        return write_interface_control_v2(word);
    case kCpuInterface + 0x4:
        return write_mask(word);
    case kCpuInterface + 0x8:
        binary_point = word;
        return;
    case kCpuInterface + 0x10:
        return end(word);
    default:
        break;
    }
    if (is_set_up)
        group_1_active[(address - kCpuInterface - 0xd0) / 4] = word;
    else
        wrong("write of no register", address);
}

} // namespace percival
