// SPDX-License-Identifier: BSD-2-Clause
// What the model does on its own: time, interrupts that are taken and end, writes that take effect late.
#include "arch/simulation/gic_model.hpp"

#include <algorithm>
#include <bit>
#include <sstream>

namespace percival {

InterruptControllerDescription GicModel::description() const
{
    InterruptControllerDescription gic;
    gic.kind = is_v3() ? InterruptControllerKind::GicV3 : InterruptControllerKind::GicV2;
    gic.distributor = {PhysAddr{kDistributor}, is_v3() ? Bytes{kFrame} : 4_KiB};
    gic.cpu_interface = {PhysAddr{kCpuInterface}, Bytes{0x100}};
    gic.redistributor_stride = stride;
    return gic;
}

arch::InterruptControllerRegisters GicModel::registers() const
{
    arch::InterruptControllerRegisters registers;
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

} // namespace percival
