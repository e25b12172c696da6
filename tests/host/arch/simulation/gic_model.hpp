// SPDX-License-Identifier: BSD-2-Clause
// A model of a GICv2 or GICv3, as one CPU sees it from the non-secure state or with one security state, and
// of the line of a timer. It holds what a test leaves in it, as whoever ran before the kernel does.
//
// The model is as strict as the architecture allows hardware to be. It notes an access in `wrong_accesses`
// if the access is not defined, or comes before the one that must precede it. What hardware may do late, it
// does late:
// - A write to GICD_CTLR or GICR_CTLR, and a disable, takes effect when a poll has read RWP = 0.
// - A write to a System register takes effect with the next ISB.
// - The distributor or redistributor sees the timer's line fall only kLineDelay accesses after the device has
//   lowered it, as the line comes from another clock domain. It has forwarded the interrupt to the CPU
//   interface if that was not active meanwhile, and takes kLineDelay more to withdraw it.
#pragma once

#include "arch/devices/interrupt_controller.hpp"
#include "arch/simulation/register_model.hpp"

#include <array>
#include <optional>
#include <string>
#include <utility>
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

    // A redistributor of a GICv3, at an address within a region.
    struct Redistributor {
        u64 address;
        u64 affinity; // packed as in GICR_TYPER
        bool has_virtual_lpis{false};
        bool is_last{true};
        u64 revision{3};
    };
    static constexpr u64 kFrame = 0x1'0000;
    static constexpr u64 kRedistributor = 0x2000'0000;

    // What never comes to an end.
    enum class Stuck : u8 { Nothing, Distributor, Redistributor, Waker };

    // --- What the test sets up and looks at

    std::array<Word, 3> own{};             // SGIs and PPIs; from the second word on the extended PPIs
    std::array<Word, 8> shared{};          // from the second word on
    std::array<Word, 2> extended_shared{}; // GICv3 only, if has_extended_shared
    std::array<u8, 32> priorities{};       // of the private interrupts, as the firmware sees them
    u32 ppi_configuration{0xaaaa'aaaa};    // GICD_ICFGR1 or GICR_ICFGR1
    std::array<u8, 16> sgi_senders{};      // GICv2: makes an SGI pending
    std::array<u8, 32> targets{};          // GICv2: what GICD_ITARGETSR of a private interrupt reads as
    u32 hidden{0};                         // private interrupts that the firmware keeps to itself
    u32 group{0};
    u32 distributor_control{0};
    u64 interface_control{0};            // GICC_CTLR or ICC_CTLR_EL1
    u64 binary_point{7};                 // GICC_BPR or ICC_BPR1_EL1
    std::array<u64, 4> group_0_active{}; // GICv3: ICC_AP0R<n>_EL1
    std::array<u64, 4> group_1_active{}; // GICC_APR<n> or ICC_AP1R<n>_EL1
    // SCR_EL3.FIQ, which stands for two security states: the groups and the secure half of the priorities are
    // the firmware's.
    bool el3_has_fiq{false};
    unsigned priority_bits{5};
    u64 priority_mask{0};  // as the firmware sees it
    std::vector<u64> sent; // what GICD_SGIR or ICC_SGI1R_EL1 got, once it is on its way
    std::vector<std::string> wrong_accesses{};

    // GICv3 only.
    std::vector<Redistributor> redistributors{{kRedistributor, 0}};
    std::vector<std::pair<u64, u64>> regions{{kRedistributor, 2 * kFrame}}; // base and size
    u64 stride{0};
    std::size_t self{0}; // the redistributor of the CPU that accesses
    u64 distributor_revision{3};
    bool has_extended_shared{true};
    bool distributor_has_range_selector{true};
    bool cpu_has_range_selector{true};
    bool has_system_registers{true};
    bool system_registers_are_off{false}; // EL3 holds ICC_SRE_EL1.SRE at 0
    bool refuses_affinity_routing{false};
    bool redistributor_sleeps{false}; // needs one security state; else the firmware has woken it
    bool lpis_enabled{false};
    Stuck stuck{Stuck::Nothing};
    u32 stuck_after{0};            // so many writes end before one does not
    u64 system_register_enable{6}; // ICC_SRE_EL1, without SRE
    bool group_1_enabled{false};   // ICC_IGRPEN1_EL1
    bool group_0_enabled{false};   // ICC_IGRPEN0_EL1

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
    // Notes that the CPU makes stores that the handler of its next SGI must see.
    void make_stores() { stores_are_outstanding_ = true; }
    bool is_active(u32 intid) const { return (own[0].active >> intid & 1) != 0; }
    // Returns whether the distributor forwards interrupts to the CPU interface.
    bool is_distributor_enabled() const;
    // Returns whether nothing that software has to wait for is going on.
    bool has_settled() const;
    // Makes another CPU access from now on, whose part of the GIC is as after a reset.
    void play(std::size_t redistributor);

    // What the driver is told of this machine.
    InterruptControllerDescription description() const;
    arch::InterruptControllerRegisters registers() const;

    // --- RegisterModel

    u64 read(u64 address, u32 bits) override;
    void write(u64 address, u64 value, u32 bits) override;
    u64 read_system(std::string_view name) override;
    void write_system(std::string_view name, u64 value) override;
    void dsb(arch::Shareability shareability, arch::Access access) override;
    void isb() override;

private:
    static constexpr u64 kDistributor = 0x1000'0000;
    static constexpr u64 kCpuInterface = 0x3000'0000;
    static constexpr u32 kNone = 1023;
    static constexpr u32 kPolls = 3; // polls that find a write unfinished
    static constexpr u32 kForEver = ~u32{0};

    // Writes of one frame that take effect when polls of its RWP bit have found them finished.
    struct Unfinished {
        u32 polls{0};
        std::vector<std::pair<u32*, u32>> cleared{}; // bits to clear
    };
    // The word and the field of it that a register in one of the five ranges of states stands for, if any.
    struct State {
        Word* word;
        u32 Word::* field;
        bool clears;
        bool is_private;
    };

    bool is_v3() const { return version_ == Version::V3; }
    void step();
    void wrong(std::string_view what, u64 address);
    void wrong(std::string_view what, std::string_view name);
    u32 pending_sgis() const;
    u32 acknowledge();
    bool is_interface_enabled() const;
    void end(u32 raw);
    void write_mask(u64 value);
    u64 mask_as_read() const;
    std::optional<State> state_at(u64 address);
    void change(const State& state, u64 address, u32 bits);
    u64 least_mask() const { return u64{1} << (8 - priority_bits); }

    u64 own_frame() const { return redistributors[self].address; }
    u64 private_frame() const { return is_v3() ? own_frame() + kFrame : kDistributor; }
    void begin(Unfinished& unfinished, Stuck kind);
    // Returns the RWP bit as one poll finds it.
    bool poll(Unfinished& unfinished);
    void write_distributor_control(u32 value);
    void write_interface_control_v2(u32 value);
    std::optional<u64> read_redistributor(u64 address, u32 bits);
    bool write_redistributor(u64 address, u32 value);
    void take_effect(std::string_view name, u64 value);
    void check_system_access(std::string_view name);
    void check_stores(u64 sgi);

    Version version_;
    u32 steps_{0};
    bool line_{false};
    bool seen_line_{false};
    u32 fall_at_{0};
    bool forwarded_{false}; // the CPU interface has the timer interrupt
    u32 withdraw_at_{0};
    std::vector<u32> running_{}; // the acknowledged interrupts, as IAR returned them
    bool stores_are_outstanding_{false};
    bool acknowledge_is_unfinished_{false}; // until a DSB
    u32 asleep_polls_{kPolls};
    Unfinished of_distributor_{};
    Unfinished of_redistributor_{};
    u32 control_in_effect_{0};
    bool control_was_written_{false};
    bool enable_was_synchronized_{false}; // an ISB came after ICC_SRE_EL1.SRE was set
    std::vector<std::pair<std::string, u64>> not_synchronized_{};
};

} // namespace percival
