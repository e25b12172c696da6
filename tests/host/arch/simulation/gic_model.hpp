// SPDX-License-Identifier: BSD-2-Clause
// A model of a GICv2 or GICv3 with one CPU, as that CPU sees it from the non-secure state or with one
// security state, and of the line of a timer. It holds what a test leaves in it, as whoever ran before the
// kernel does.
//
// The line falls late: the distributor or redistributor sees it fall only kLineDelay accesses after the
// device has lowered it, as the line comes from another clock domain. It has forwarded the interrupt to the
// CPU interface if that was not active meanwhile, and takes kLineDelay more to withdraw it.
#pragma once

#include "arch/devices/interrupt_controller.hpp"
#include "arch/simulation/register_model.hpp"

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace percival {

class GicModel final : public arch::RegisterModel {
public:
    enum class Version : u8 { V2, V3 };
    static constexpr u32 kTimer = 27;
    static constexpr u32 kLineDelay = 4;

    explicit GicModel(Version version) : version_{version} {}

    // The state of 32 interrupts.
    struct Word {
        u32 enabled;
        u32 pending;
        u32 active;
        bool is_quiet() const { return (enabled | pending | active) == 0; }
    };
    static constexpr Word kAllSet{~u32{0}, ~u32{0}, ~u32{0}};

    // --- What the test sets up and looks at

    std::array<Word, 3> own{};             // SGIs and PPIs; from the second word on the extended PPIs
    std::array<Word, 8> shared{};          // from the second word on
    std::array<Word, 2> extended_shared{}; // GICv3 only
    std::array<u8, 16> sgi_senders{};      // GICv2: makes an SGI pending
    std::array<u8, 32> targets{};          // GICv2: what GICD_ITARGETSR of a private interrupt reads as
    u32 hidden{0};                         // private interrupts that the firmware keeps to itself
    u32 group{0};
    u32 group_0_active{0};   // GICv3: ICC_AP0R0_EL1
    bool el3_has_fiq{false}; // SCR_EL3.FIQ; on a GICv2 it stands for two security states
    unsigned priority_bits{5};
    bool lpis_enabled{false};                  // GICv3
    u64 priority_mask{0};                      // as the firmware sees it
    std::optional<u64> sent;                   // what was last written to GICD_SGIR
    std::vector<std::string> wrong_accesses{}; // that EL3 or the architecture does not allow

    void raise_line() { line_ = seen_line_ = true; }
    void lower_line()
    {
        line_ = false;
        fall_at_ = steps_ + kLineDelay;
    }
    // Lets as much time pass as that many accesses take.
    void pass_time(u32 accesses)
    {
        for (u32 n = 0; n < accesses; ++n)
            step();
    }
    bool is_active(u32 intid) const { return (own[0].active >> intid & 1) != 0; }

    // What the driver is told of this machine.
    GicDescription description() const;
    arch::GicRegisters registers() const;

    // --- RegisterModel

    u64 read(u64 address) override;
    void write(u64 address, u64 value) override;
    u64 read_system(std::string_view name) override;
    void write_system(std::string_view name, u64 value) override;

private:
    static constexpr u64 kDistributor = 0x1000'0000;
    static constexpr u64 kRedistributor = 0x2000'0000;
    static constexpr u64 kPrivateFrame = kRedistributor + 0x1'0000;
    static constexpr u64 kCpuInterface = 0x3000'0000;
    static constexpr u64 kFrame = 0x1'0000;
    static constexpr u32 kNone = 1023;

    void step();
    u32 pending_sgis() const;
    u32 acknowledge();
    void end(u32 intid);
    void write_mask(u64 value);
    u64 mask_as_read() const;
    // The word and the field of it that a register in one of the five ranges of states stands for, if any.
    struct State {
        Word* word;
        u32 Word::* field;
        bool clears;
        bool is_private;
    };
    std::optional<State> state_at(u64 address);
    void change(const State& state, u32 bits);
    u64 least_mask() const { return u64{1} << (8 - priority_bits); }

    Version version_;
    u32 steps_{0};
    bool line_{false};
    bool seen_line_{false};
    u32 fall_at_{0};
    bool forwarded_{false}; // the CPU interface has the timer interrupt
    u32 withdraw_at_{0};
    bool running_{false};
    std::map<u64, u64> others_{}; // registers that only hold what was written
};

} // namespace percival
