// SPDX-License-Identifier: BSD-2-Clause
#include "arch/simulation/gic_model.hpp"

#include <algorithm>
#include <bit>
#include <sstream>

namespace percival {

GicDescription GicModel::description() const
{
    GicDescription gic;
    gic.version = is_v3() ? GicDescription::Version::V3 : GicDescription::Version::V2;
    gic.distributor = {PhysAddr{kDistributor}, is_v3() ? Bytes{kFrame} : 4_KiB};
    gic.cpu_interface = {PhysAddr{kCpuInterface}, Bytes{0x100}};
    gic.redistributor_stride = stride;
    return gic;
}

arch::GicRegisters GicModel::registers() const
{
    arch::GicRegisters registers;
    registers.distributor = arch::Mmio{VirtAddr{kDistributor}};
    registers.cpu_interface = arch::Mmio{VirtAddr{kCpuInterface}};
    if (is_v3()) {
        for (const auto& [base, size] : regions)
            static_cast<void>(registers.redistributors.push({arch::Mmio{VirtAddr{base}}, Bytes{size}}));
    }
    return registers;
}

void GicModel::play(std::size_t redistributor)
{
    self = redistributor;
    own = {};
    group = 0;
    priorities = {};
    ppi_configuration = 0xaaaa'aaaa;
    priority_mask = 0;
    system_register_enable &= ~u64{1};
    group_1_enabled = enable_was_synchronized_ = false;
    asleep_polls_ = kPolls;
}

void GicModel::wrong(std::string_view what, u64 address)
{
    std::ostringstream text;
    text << what << ": 0x" << std::hex << address;
    wrong_accesses.push_back(text.str());
}

void GicModel::wrong(std::string_view what, std::string_view name)
{
    wrong_accesses.push_back(std::string{what} + ": " + std::string{name});
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

// --- Acknowledging and ending

u32 GicModel::pending_sgis() const
{
    u32 pending = 0;
    for (u32 sgi = 0; sgi < sgi_senders.size(); ++sgi)
        pending |= u32{sgi_senders[sgi] != 0} << sgi;
    return pending;
}

bool GicModel::is_distributor_enabled() const
{
    const u32 control = control_was_written_ ? control_in_effect_ : distributor_control;
    return (control & (is_v3() ? 2u : 1u)) != 0;
}

bool GicModel::is_interface_enabled() const
{
    return is_v3() ? group_1_enabled : (interface_control & 1) != 0;
}

bool GicModel::has_settled() const
{
    return of_distributor_.polls == 0 && of_redistributor_.polls == 0 && not_synchronized_.empty() &&
           !acknowledge_is_unfinished_;
}

u32 GicModel::acknowledge()
{
    acknowledge_is_unfinished_ = true;
    const u32 mine = is_v3() || el3_has_fiq ? group : ~group;
    const u32 waiting = own[0].enabled & (own[0].pending | pending_sgis()) & ~own[0].active;
    u32 candidates = (waiting | u32{forwarded_} << kTimer) & mine;
    for (u32 intid = 0; intid < priorities.size(); ++intid) {
        if (priorities[intid] >= priority_mask)
            candidates &= ~(u32{1} << intid);
    }
    const auto any = [](const std::array<u64, 4>& active) {
        return std::ranges::any_of(active, [](u64 word) { return word != 0; });
    };
    const bool blocked = !running_.empty() || any(group_0_active) || any(group_1_active);
    if (candidates == 0 || blocked || !is_distributor_enabled() || !is_interface_enabled())
        return kNone;
    const auto intid = static_cast<u32>(std::countr_zero(candidates));
    const u32 bit = u32{1} << intid;
    own[0].active |= bit;
    own[0].pending &= ~bit;
    forwarded_ = forwarded_ && intid != kTimer;
    u32 raw = intid;
    if (!is_v3() && intid < sgi_senders.size() && sgi_senders[intid] != 0) {
        const auto sender = static_cast<u32>(std::countr_zero(sgi_senders[intid]));
        sgi_senders[intid] = static_cast<u8>(sgi_senders[intid] & (sgi_senders[intid] - 1));
        raw |= sender << 10;
    }
    running_.push_back(raw);
    return raw;
}

void GicModel::end(u32 raw)
{
    if (running_.empty() || running_.back() != raw)
        return wrong("end of what IAR did not return", u64{raw});
    running_.pop_back();
    const bool split = (interface_control >> (is_v3() ? 1 : 9) & 1) != 0; // EOImode
    if (!split)
        own[0].active &= ~(u32{1} << (raw & 0x3ff));
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

void GicModel::check_stores(u64 sgi)
{
    if (stores_are_outstanding_)
        wrong("SGI before the stores that its handler must see", sgi);
}

// --- Writes that take effect late

void GicModel::begin(Unfinished& unfinished, Stuck kind)
{
    if (unfinished.polls == kForEver)
        return;
    const bool is_stuck = stuck == kind && stuck_after-- == 0;
    unfinished.polls = is_stuck ? kForEver : kPolls;
}

bool GicModel::poll(Unfinished& unfinished)
{
    if (unfinished.polls == 0)
        return false;
    if (unfinished.polls != kForEver)
        --unfinished.polls;
    if (unfinished.polls == 0) {
        for (const auto& [word, bits] : unfinished.cleared)
            *word &= ~bits;
        unfinished.cleared.clear();
        if (&unfinished == &of_distributor_)
            control_in_effect_ = distributor_control;
    }
    return true;
}

void GicModel::write_distributor_control(u32 value)
{
    constexpr u32 kEnables = 3, kAffinityRouting = 1 << 4, kReadOnly = u32{1} << 31;
    if (!control_was_written_)
        control_in_effect_ = distributor_control;
    control_was_written_ = true;
    if (!is_v3()) {
        distributor_control = control_in_effect_ = value;
        return;
    }
    if (((value ^ distributor_control) & ~(kEnables | kAffinityRouting | kReadOnly)) != 0)
        wrong("change of the firmware's bits of GICD_CTLR", u64{value});
    if ((distributor_control & ~value & kAffinityRouting) != 0)
        wrong("affinity routing is turned off", u64{value});
    if ((value & ~distributor_control & kAffinityRouting) != 0 &&
        (((value | control_in_effect_) & kEnables) != 0 || of_distributor_.polls != 0))
        wrong("affinity routing is turned on while a group is enabled", u64{value});
    if ((value & kEnables) != 0 && of_distributor_.polls != 0)
        wrong("a group is enabled before the distributor has settled", u64{value});
    distributor_control = value & ~kReadOnly & ~(refuses_affinity_routing ? kAffinityRouting : 0);
    begin(of_distributor_, Stuck::Distributor);
}

void GicModel::write_interface_control_v2(u32 value)
{
    constexpr u64 kBypass = 0x1e0;
    if (((value ^ interface_control) & kBypass) != 0)
        wrong("change of the firmware's bypass bits", u64{value});
    if ((value & ~(kBypass | 1)) != 0)
        wrong("bits of GICC_CTLR that the kernel does not use", u64{value});
    interface_control = value;
}

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

// --- System registers

void GicModel::check_system_access(std::string_view name)
{
    step();
    if (acknowledge_is_unfinished_)
        wrong("access before the acknowledge has finished", name);
    if (name != "icc_sre_el1" && name.starts_with("icc_") && !enable_was_synchronized_)
        wrong("access before the enable of System registers is synchronized", name);
    const bool of_group_0 = name.starts_with("icc_ap0") || name == "icc_igrpen0_el1";
    const bool of_word_1 = name == "icc_ap0r1_el1" || name == "icc_ap1r1_el1";
    const bool of_words_2_and_3 = name == "icc_ap0r2_el1" || name == "icc_ap0r3_el1" ||
                                  name == "icc_ap1r2_el1" || name == "icc_ap1r3_el1";
    if ((of_group_0 && el3_has_fiq) || (of_word_1 && priority_bits < 6) ||
        (of_words_2_and_3 && priority_bits < 7))
        wrong("access that EL3 or the architecture does not allow", name);
    if (!has_system_registers && name.starts_with("icc_"))
        wrong("access to what the CPU lacks", name);
}

u64 GicModel::read_system(std::string_view name)
{
    check_system_access(name);
    if (name == "id_aa64pfr0_el1")
        return u64{has_system_registers} << 24 | 0xf << 20 | u64{1} << 28;
    if (name == "icc_sre_el1")
        return system_register_enable;
    if (name == "icc_ctlr_el1")
        return interface_control | (priority_bits - 1) << 8 | u64{cpu_has_range_selector} << 18 | 0x8800;
    if (name == "icc_pmr_el1")
        return mask_as_read();
    if (name == "icc_iar1_el1")
        return acknowledge();
    wrong("read of no register", name);
    return 0;
}

void GicModel::write_system(std::string_view name, u64 value)
{
    check_system_access(name);
    if (name == "icc_pmr_el1") // synchronizes itself
        return write_mask(value);
    if (name == "icc_sgi1r_el1")
        check_stores(value);
    if (name == "icc_igrpen1_el1" && value != 0 && !not_synchronized_.empty())
        wrong("a group is enabled before the interface's set-up is synchronized", name);
    not_synchronized_.emplace_back(name, value);
}

void GicModel::take_effect(std::string_view name, u64 value)
{
    constexpr u64 kControlOfFirmware = 1 << 6;
    if (name == "icc_sre_el1") {
        if (((value ^ system_register_enable) & ~u64{1}) != 0)
            wrong("change of the firmware's bits", name);
        if (!system_registers_are_off)
            system_register_enable = value;
        enable_was_synchronized_ = (system_register_enable & 1) != 0;
    } else if (name == "icc_ctlr_el1") {
        if (((value ^ interface_control) & kControlOfFirmware) != 0)
            wrong("change of the firmware's bits", name);
        interface_control = value & (kControlOfFirmware | 3);
    } else if (name.starts_with("icc_ap")) {
        auto& active = name[6] == '0' ? group_0_active : group_1_active;
        active[static_cast<std::size_t>(name[8] - '0')] = value;
    } else if (name == "icc_bpr1_el1") {
        binary_point = value;
    } else if (name == "icc_igrpen0_el1") {
        group_0_enabled = value != 0;
    } else if (name == "icc_igrpen1_el1") {
        group_1_enabled = value == 1;
    } else if (name == "icc_eoir1_el1") {
        end(static_cast<u32>(value));
    } else if (name == "icc_sgi1r_el1") {
        sent.push_back(value);
    } else {
        wrong("write of no register", name);
    }
}

// --- Barriers

void GicModel::dsb(arch::Shareability shareability, arch::Access access)
{
    const bool waits_for_stores = access == arch::Access::Store || access == arch::Access::Any;
    if (shareability != arch::Shareability::NonShareable && waits_for_stores)
        stores_are_outstanding_ = false;
    if (shareability == arch::Shareability::FullSystem && access == arch::Access::Any)
        acknowledge_is_unfinished_ = false;
}

void GicModel::isb()
{
    for (const auto& [name, value] : std::exchange(not_synchronized_, {}))
        take_effect(name, value);
}

} // namespace percival
