// SPDX-License-Identifier: BSD-2-Clause
// The model's System registers, which are a GICv3's CPU interface, and its barriers.
#include "arch/simulation/gic_model.hpp"

namespace percival {

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
