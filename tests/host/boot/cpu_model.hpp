// SPDX-License-Identifier: BSD-2-Clause
// The registers of a CPU that is set up, each full of what a predecessor left. The model fails the test on an
// access that the CPU would not survive: to a register whose feature it lacks.
#pragma once

#include "boot/el1_setup.hpp"
#include "boot/el2_setup.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace percival::boot {

inline constexpr u64 kJunk = 0xa5a5'a5a5'a5a5'a5a5;
inline constexpr u64 kSctlrEl1 = 0x30d0'0800;
inline constexpr u64 kE2h = u64{1} << 34;
inline constexpr u64 kTge = u64{1} << 27;

// What a CPU has, and how it behaves.
struct CpuTraits {
    bool announces_vhe_only{false};
    bool is_vhe_only{false};
    bool has_vhe{false};
    bool has_hcx{false};
    bool has_tcr2{false};
    bool has_sctlr2{false};
    bool has_amu{false};
    u64 fgt{0};
    bool has_gic_registers{false};
    bool gic_registers_are_off{false}; // EL3 holds ICC_SRE_EL3.SRE at 0
    bool has_pmu{false};
    bool has_instruction_counter{false};
    bool has_spe{false};
    bool has_trbe{false};
    bool buffers_are_kept_back{false}; // a higher Exception level owns both, and traps their registers
    unsigned breakpoints{2};
    unsigned watchpoints{1};
};

inline constexpr CpuTraits kEverything{
    .has_vhe = true,
    .has_hcx = true,
    .has_tcr2 = true,
    .has_sctlr2 = true,
    .has_amu = true,
    .fgt = 2,
    .has_gic_registers = true,
    .has_pmu = true,
    .has_instruction_counter = true,
    .has_spe = true,
    .has_trbe = true,
    .breakpoints = 16,
    .watchpoints = 16,
};

// The registers of a CPU at EL2 or EL1.
class CpuModel {
public:
    CpuModel(CpuTraits traits, unsigned level) : traits_{traits}, level_{level}
    {
        values_["midr_el1"] = 0x410f'd490;
        values_["mpidr_el1"] = 0x8100'0300;
        set<arch::IdAa64Mmfr0, arch::IdAa64Mmfr0::Fgt>(traits.fgt);
        set<arch::IdAa64Mmfr1, arch::IdAa64Mmfr1::Hcx>(traits.has_hcx ? 1 : 0);
        set<arch::IdAa64Mmfr1, arch::IdAa64Mmfr1::Vh>(traits.has_vhe || traits.is_vhe_only ? 1 : 0);
        set<arch::IdAa64Mmfr3, arch::IdAa64Mmfr3::Tcrx>(traits.has_tcr2 ? 1 : 0);
        set<arch::IdAa64Mmfr3, arch::IdAa64Mmfr3::Sctlrx>(traits.has_sctlr2 ? 1 : 0);
        set<arch::IdAa64Mmfr4, arch::Field<27, 24>>(traits.announces_vhe_only ? 0xe : 0);
        set<arch::IdAa64Pfr0, arch::IdAa64Pfr0::Gic>(traits.has_gic_registers ? 1 : 0);
        set<arch::IdAa64Pfr0, arch::IdAa64Pfr0::Amu>(traits.has_amu ? 1 : 0);
        set<arch::IdAa64Dfr0, arch::IdAa64Dfr0::PmuVer>(traits.has_pmu ? 6 : 0xf);
        set<arch::IdAa64Dfr0, arch::IdAa64Dfr0::Brps>(traits.breakpoints - 1);
        set<arch::IdAa64Dfr0, arch::IdAa64Dfr0::Wrps>(traits.watchpoints - 1);
        set<arch::IdAa64Dfr1, arch::IdAa64Dfr1::Pmicntr>(traits.has_instruction_counter ? 1 : 0);
        set<arch::Pmcr, arch::Pmcr::N>(6);
        set<arch::IdAa64Dfr0, arch::IdAa64Dfr0::PmsVer>(traits.has_spe ? 3 : 0);
        set<arch::IdAa64Dfr0, arch::IdAa64Dfr0::TraceBuffer>(traits.has_trbe ? 1 : 0);
        set<Pmbidr, Pmbidr::Prevented>(traits.buffers_are_kept_back ? 1 : 0);
        set<Trbidr, Trbidr::Prevented>(traits.buffers_are_kept_back ? 1 : 0);
    }

    template <class Register>
    Register read()
    {
        expect_settled();
        return Register{at(reached(Register::register_name()))};
    }

    template <class Register>
    void write(Register value)
    {
        expect_settled();
        const std::string name = reached(Register::register_name());
        if (name == "hcr_el2" && traits_.announces_vhe_only)
            EXPECT_NE(value.raw & kE2h, 0U) << "a bit that is RES1 is written as 0";
        if (name == "hcr_el2")
            EXPECT_TRUE(accesses_are_complete_) << "AC04_CPU_23 wants a DSB before";
        accesses_are_complete_ = false;
        hcr_is_settled_ = name != "hcr_el2";
        written_.push_back(name);
        at(name) = value.raw;
        if (name == Name::kIccSre && traits_.gic_registers_are_off)
            at(name) &= ~u64{1};
    }

    void dsb() { accesses_are_complete_ = true; }
    void isb()
    {
        hcr_is_settled_ = true;
        profiles_ = profiles_ && !was_written(Name::kPmblimitr);
        traces_ = traces_ && !was_written(Name::kTrblimitr);
    }
    void finish_buffered_writes()
    {
        profile_is_written_ = !profiles_;
        trace_is_written_ = !traces_;
    }

    // True if the buffer writes nothing any more: it was disabled, that has taken effect, and then what was
    // under way has been waited for.
    bool profile_is_finished() const { return profile_is_written_; }
    bool trace_is_finished() const { return trace_is_written_; }

    // Returns the value of a register of EL2, or of EL1 as EL1 sees it.
    u64 of(const std::string& name) { return at(name); }
    bool was_written(const std::string& name) const
    {
        return std::find(written_.begin(), written_.end(), name) != written_.end();
    }
    // True if EL2 behaves as with E2H = 1, whatever is in HCR_EL2.
    bool in_host_mode() { return traits_.is_vhe_only || (at("hcr_el2") & kE2h) != 0; }

private:
    struct Name {
        static constexpr const char* kIccSre = "s3_4_c12_c9_5";
        static constexpr const char* kIchHcr = "s3_4_c12_c11_0";
        static constexpr const char* kPmblimitr = "s3_0_c9_c10_0";
        static constexpr const char* kTrblimitr = "s3_0_c9_c11_0";
    };

    template <class Register, class F>
    void set(u64 value)
    {
        u64& raw = values_.try_emplace(Register::register_name(), 0).first->second;
        raw = F::in(raw, value);
    }

    void expect_settled() const { EXPECT_TRUE(hcr_is_settled_) << "AC04_CPU_23 wants an ISB behind"; }

    u64& at(const std::string& name) { return values_.try_emplace(name, kJunk).first->second; }

    // Returns which register the CPU reaches under a name.
    std::string reached(const std::string& name)
    {
        EXPECT_TRUE(exists(name)) << name << " is undefined on this CPU";
        const bool redirects = level_ == 2 && in_host_mode();
        static const std::map<std::string, std::string> kNamesOfHostMode{
            {"s3_5_c1_c0_0", "sctlr_el1"},     // SCTLR_EL12
            {"s3_5_c14_c3_1", "cntv_ctl_el0"}, // CNTV_CTL_EL02
            {"s3_5_c14_c2_1", "cntp_ctl_el0"}, // CNTP_CTL_EL02
        };
        if (const auto named = kNamesOfHostMode.find(name); named != kNamesOfHostMode.end()) {
            EXPECT_TRUE(redirects) << name << " is undefined with E2H = 0";
            return named->second;
        }
        // Arm ARM D24.2: field E2H of HCR_EL2, and the accessor text of each register.
        static const std::map<std::string, std::string> kRedirected{
            {"cntp_ctl_el0", "cnthp_ctl_el2"},
            {"cntv_ctl_el0", "s3_4_c14_c3_1"}, // CNTHV_CTL_EL2
            {"cntkctl_el1", "cnthctl_el2"},
            {"cpacr_el1", "cptr_el2"},
            {"contextidr_el1", "s3_4_c13_c0_1"},
            {"amair_el1", "amair_el2"},
            {"s3_0_c2_c0_3", "s3_4_c2_c0_3"}, // TCR2
            {"s3_0_c1_c0_3", "s3_4_c1_c0_3"}, // SCTLR2
            {"far_el1", "far_el2"},
            {"sctlr_el1", "sctlr_el2"},
        };
        const auto redirected = kRedirected.find(name);
        return redirects && redirected != kRedirected.end() ? redirected->second : name;
    }

    bool exists(const std::string& name)
    {
        const std::map<std::string, bool> conditional{
            {"s3_4_c1_c2_2", traits_.has_hcx},                         // HCRX_EL2
            {"s3_4_c14_c3_1", traits_.has_vhe || traits_.is_vhe_only}, // CNTHV_CTL_EL2
            {"s3_0_c2_c0_3", traits_.has_tcr2},
            {"s3_4_c2_c0_3", traits_.has_tcr2},
            {"s3_4_c1_c0_3", traits_.has_sctlr2},
            {"s3_0_c1_c0_3", traits_.has_sctlr2},
            {"s3_4_c1_c1_4", traits_.fgt >= 1}, // HFGRTR_EL2, HFGWTR_EL2, HFGITR_EL2
            {"s3_4_c1_c1_5", traits_.fgt >= 1},
            {"s3_4_c1_c1_6", traits_.fgt >= 1},
            {"s3_4_c3_c1_4", traits_.fgt >= 1}, // HDFGRTR_EL2, HDFGWTR_EL2
            {"s3_4_c3_c1_5", traits_.fgt >= 1},
            {"s3_4_c3_c1_6", traits_.fgt >= 1 && traits_.has_amu}, // HAFGRTR_EL2
            {"s3_4_c3_c1_0", traits_.fgt >= 2},
            {"s3_4_c3_c1_1", traits_.fgt >= 2},
            {"s3_4_c3_c1_2", traits_.fgt >= 2},
            {"s3_4_c3_c1_3", traits_.fgt >= 2},
            {"s3_4_c3_c1_7", traits_.fgt >= 2},
            {Name::kIccSre, traits_.has_gic_registers},
            {Name::kIchHcr, traits_.has_gic_registers && (at(Name::kIccSre) & 1) != 0},
            {"s3_0_c9_c10_7", traits_.has_spe},  // PMBIDR_EL1
            {"s3_0_c9_c11_7", traits_.has_trbe}, // TRBIDR_EL1
            {Name::kPmblimitr, traits_.has_spe && !traits_.buffers_are_kept_back},
            {Name::kTrblimitr, traits_.has_trbe && !traits_.buffers_are_kept_back},
            {"pmcr_el0", traits_.has_pmu},
            {"pmcntenclr_el0", traits_.has_pmu},
            {"pmintenclr_el1", traits_.has_pmu},
            {"pmovsclr_el0", traits_.has_pmu},
            {"pmuserenr_el0", traits_.has_pmu},
        };
        if (name.starts_with("dbgbcr"))
            return std::stoul(name.substr(6)) < traits_.breakpoints;
        if (name.starts_with("dbgwcr"))
            return std::stoul(name.substr(6)) < traits_.watchpoints;
        const auto found = conditional.find(name);
        return found == conditional.end() || found->second;
    }

    CpuTraits traits_;
    unsigned level_;
    std::map<std::string, u64> values_;
    std::vector<std::string> written_;
    bool accesses_are_complete_{false};
    bool hcr_is_settled_{true};
    bool profiles_{true};
    bool traces_{true};
    bool profile_is_written_{false};
    bool trace_is_written_{false};
};

} // namespace percival::boot
