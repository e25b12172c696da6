// SPDX-License-Identifier: BSD-2-Clause
#include "arch/simulation/gic_model.hpp"

#include <bit>

namespace percival {

GicDescription GicModel::description() const
{
    GicDescription gic;
    gic.version = version_ == Version::V3 ? GicDescription::Version::V3 : GicDescription::Version::V2;
    gic.distributor = {PhysAddr{kDistributor}, Bytes{kFrame}};
    gic.cpu_interface = {PhysAddr{kCpuInterface}, 8_KiB};
    return gic;
}

arch::GicRegisters GicModel::registers() const
{
    arch::GicRegisters registers;
    registers.distributor = arch::Mmio{VirtAddr{kDistributor}};
    registers.cpu_interface = arch::Mmio{VirtAddr{kCpuInterface}};
    if (version_ == Version::V3)
        static_cast<void>(
            registers.redistributors.push({arch::Mmio{VirtAddr{kRedistributor}}, Bytes{2 * kFrame}}));
    return registers;
}

void GicModel::step()
{
    constexpr u32 kBit = u32{1} << kTimer;
    if (++steps_ >= fall_at_ && seen_line_ && !line_) {
        seen_line_ = false;
        own[0].pending &= ~kBit;
    }
    if (seen_line_)
        own[0].pending |= kBit;
    if ((own[0].pending & own[0].enabled & ~own[0].active & kBit) != 0) {
        forwarded_ = true;
        withdraw_at_ = steps_ + kLineDelay;
    } else if (steps_ >= withdraw_at_) {
        forwarded_ = false;
    }
}

u32 GicModel::pending_sgis() const
{
    u32 pending = 0;
    for (u32 sgi = 0; sgi < sgi_senders.size(); ++sgi)
        pending |= u32{sgi_senders[sgi] != 0} << sgi;
    return pending;
}

u32 GicModel::acknowledge()
{
    const u32 mine = version_ == Version::V3 ? group : ~group;
    const u32 waiting = own[0].enabled & (own[0].pending | pending_sgis()) & ~own[0].active;
    const u32 candidates = (waiting | u32{forwarded_} << kTimer) & mine;
    const bool masked = priority_mask <= 0x80 || running_ || group_0_active != 0;
    if (candidates == 0 || masked)
        return kNone;
    const auto intid = static_cast<u32>(std::countr_zero(candidates));
    const u32 bit = u32{1} << intid;
    own[0].active |= bit;
    own[0].pending &= ~bit;
    forwarded_ = forwarded_ && intid != kTimer;
    running_ = true;
    if (version_ == Version::V2 && intid < sgi_senders.size() && sgi_senders[intid] != 0) {
        const auto sender = static_cast<u32>(std::countr_zero(sgi_senders[intid]));
        sgi_senders[intid] = static_cast<u8>(sgi_senders[intid] & (sgi_senders[intid] - 1));
        return intid | sender << 10;
    }
    return intid;
}

void GicModel::write_mask(u64 value)
{
    if (el3_has_fiq && (priority_mask & 0x80) == 0)
        return; // it is in the secure half
    priority_mask = (el3_has_fiq ? value >> 1 | 0x80 : value) & ~(least_mask() - 1) & 0xff;
}

u64 GicModel::mask_as_read() const
{
    if (!el3_has_fiq)
        return priority_mask;
    return (priority_mask & 0x80) != 0 ? priority_mask << 1 & 0xff : 0;
}

void GicModel::end(u32 intid)
{
    running_ = false;
    own[0].active &= ~(u32{1} << intid);
}

std::optional<GicModel::State> GicModel::state_at(u64 address)
{
    struct Range {
        u64 base;
        u32 bytes;
        u32 set_enable, clear_enable, set_pending, clear_pending, set_active, clear_active;
        Word* words;
        bool is_private;
    };
    const bool v3 = version_ == Version::V3;
    const Range ranges[] = {
        {v3 ? kPrivateFrame : kDistributor, v3 ? 12u : 4u, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380,
         own.data(), true},
        {kDistributor, 32, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380, shared.data(), false},
        {kDistributor, v3 ? 8u : 0u, 0x1200, 0x1400, 0x1600, 0x1800, 0x1a00, 0x1c00, extended_shared.data(),
         false},
    };
    for (const Range& range : ranges) {
        const auto at = [&](u32 offset, u32 Word::* field, bool clears) -> std::optional<State> {
            if (address < range.base + offset || address >= range.base + offset + range.bytes)
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

void GicModel::change(const State& state, u32 bits)
{
    constexpr u32 kSgis = 0xffff;
    if (state.is_private)
        bits &= ~hidden;
    if (state.is_private && version_ == Version::V2 && state.field == &Word::pending)
        bits &= ~kSgis;
    if (state.clears)
        state.word->*state.field &= ~bits;
    else
        state.word->*state.field |= bits;
}

u64 GicModel::read(u64 address)
{
    step();
    if (const auto state = state_at(address)) {
        const u32 value = state->word->*state->field;
        return state->is_private ? value & ~hidden : value;
    }
    const bool v3 = version_ == Version::V3;
    switch (address) {
    case kDistributor + 0x4: // GICD_TYPER: 256 interrupts; on a GICv3 64 extended ones, and RSS
        return v3 ? 7 | 1 << 8 | 1 << 26 | 1 << 27 : 7;
    case kDistributor + 0xffe8:
    case kRedistributor + 0xffe8: // PIDR2
        return 3 << 4;
    case kRedistributor: // GICR_CTLR
        return u64{lpis_enabled};
    case kRedistributor + 0x8: // GICR_TYPER: two words of extended PPIs, the last redistributor, affinity 0
        return u64{2} << 27 | 1 << 4;
    case kRedistributor + 0x14: // GICR_WAKER
        return 0;
    case kCpuInterface + 0x4:
        return mask_as_read();
    case kCpuInterface + 0xc:
        return acknowledge();
    default:
        break;
    }
    if (address == (v3 ? kPrivateFrame : kDistributor) + 0x80)
        return group & ~hidden;
    const auto word_of = [](const u8* four) {
        return u32{four[0]} | u32{four[1]} << 8 | u32{four[2]} << 16 | u32{four[3]} << 24;
    };
    if (!v3 && address >= kDistributor + 0x800 && address < kDistributor + 0x820)
        return word_of(&targets[address - kDistributor - 0x800]);
    if (!v3 && address >= kDistributor + 0xf10 && address < kDistributor + 0xf20)
        return word_of(&sgi_senders[address - kDistributor - 0xf10]);
    return others_[address];
}

void GicModel::write(u64 address, u64 value)
{
    step();
    if (const auto state = state_at(address))
        return change(*state, static_cast<u32>(value));
    const bool v3 = version_ == Version::V3;
    if (address == kRedistributor)
        lpis_enabled = (value & 1) != 0;
    else if (address == (v3 ? kPrivateFrame : kDistributor) + 0x80)
        group = static_cast<u32>(value) & ~hidden;
    else if (!v3 && address >= kDistributor + 0xf10 && address < kDistributor + 0xf20) {
        for (u32 byte = 0; byte < 4; ++byte)
            sgi_senders[address - kDistributor - 0xf10 + byte] &= static_cast<u8>(~(value >> 8 * byte));
    } else if (!v3 && address == kDistributor + 0xf00)
        sent = value;
    else if (!v3 && address == kCpuInterface + 0x4)
        write_mask(value);
    else if (!v3 && address == kCpuInterface + 0x10)
        end(static_cast<u32>(value) & 0x3ff);
    else
        others_[address] = value;
}

u64 GicModel::read_system(std::string_view name)
{
    step();
    if (name == "id_aa64pfr0_el1")
        return 1 << 24; // GIC
    if (name == "icc_sre_el1")
        return 1;
    if (name == "icc_ctlr_el1")
        return (priority_bits - 1) << 8 | 1 << 18;
    if (name == "icc_pmr_el1")
        return mask_as_read();
    if (name == "icc_iar1_el1")
        return acknowledge();
    wrong_accesses.push_back("read of " + std::string{name});
    return 0;
}

void GicModel::write_system(std::string_view name, u64 value)
{
    step();
    const bool of_group_0 = name.starts_with("icc_ap0") || name == "icc_igrpen0_el1";
    const bool of_word_1 = name == "icc_ap0r1_el1" || name == "icc_ap1r1_el1";
    const bool of_words_2_and_3 = name == "icc_ap0r2_el1" || name == "icc_ap0r3_el1" ||
                                  name == "icc_ap1r2_el1" || name == "icc_ap1r3_el1";
    if ((of_group_0 && el3_has_fiq) || (of_word_1 && priority_bits < 6) ||
        (of_words_2_and_3 && priority_bits < 7))
        wrong_accesses.push_back("write of " + std::string{name});
    if (name == "icc_ap0r0_el1")
        group_0_active = static_cast<u32>(value);
    else if (name == "icc_ap1r0_el1")
        running_ = value != 0;
    else if (name == "icc_pmr_el1")
        write_mask(value);
    else if (name == "icc_eoir1_el1")
        end(static_cast<u32>(value));
}

} // namespace percival
