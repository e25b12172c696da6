// SPDX-License-Identifier: BSD-2-Clause
// Driver of GICv3 and GICv4 (Arm IHI 0069H): affinity routing, a redistributor for each CPU, and the CPU
// interface in System registers. It uses no LPIs.
//
// Percival's interrupts are in Group 1 of the security state in which it runs. The driver works with two
// security states, from the non-secure one (GICD_CTLR.DS = 0), and with one security state (DS = 1).
#include "arch/arm64/devices/gic.hpp"
#include "arch/arm64/devices/gic_v3_registers.hpp"
#include "arch/cpu/barrier.hpp"
#include "arch/cpu/cpu_identity.hpp"
#include "arch/cpu/id_registers.hpp"
#include "arch/cpu/poll.hpp"
#include "linker/ro_after_init.hpp"
#include "mm/percpu/area.hpp"

#include <array>
#include <atomic>
#include <optional>

namespace percival::arch {
namespace {

using namespace gic_v3;

struct Cpu {
    Mmio redistributor{}; // only the CPU itself uses it; at address 0, which faults, before init_cpu()
    SendSgi1 sgi{};       // the value that sends to this CPU, without the INTID
};

// Where a frame of a redistributor lies.
struct FramePlace {
    u32 region;
    u32 offset_in_frames; // in units of kFrame
};

// These are not members of the driver: its vtable pointer would move them from .bss into the image.
constinit std::array<Cpu, kMaxCpus> cpus{};
PERCIVAL_RO_AFTER_INIT constinit BoundedVector<RedistributorRegion, kMaxGicRedistributorRegions> regions{};

class GicV3 final : public InterruptControllerDriver {
public:
    InterruptControllerResult init(const InterruptControllerDescription& gic,
                                   const InterruptControllerRegisters& registers) override;
    InterruptControllerResult init_cpu(CpuId self, u64 mpidr) override;
    void leave_cpu() override;
    void enable_private(u32 intid) override;
    void disable_private(u32 intid) override;
    PrivateInterruptState private_state(u32 intid) override;
    Acknowledged acknowledge() override;
    void complete(Acknowledged interrupt) override;
    void send(CpuId target, Ipi ipi) override;
    void wake_parked(u64 mpidr, u32 cpu_interface) override;
    std::string_view name() const override { return name_of(InterruptControllerKind::GicV3); }

private:
    static void send_sgi(SendSgi1 sgi);
    InterruptControllerResult init_distributor();
    std::optional<Mmio> find_redistributor(u64 affinity);
    std::optional<Bytes> find_redistributor_in(const RedistributorRegion& region, Bytes from,
                                               u64 affinity) const;
    InterruptControllerResult init_cpu_interface();
    InterruptControllerResult check_range_selector(u64 affinity);

    Mmio distributor_{};
    u64 stride_{0};
    // Where the frame was that was found last. Redistributors mostly lie in the order in which CPUs come up,
    // so the next one is searched for from there.
    std::atomic<FramePlace> found_last_{};
    // Set if some CPU can be reached only with a range selector, and if some CPU cannot send one.
    std::atomic<bool> range_selector_needed_{false};
    std::atomic<bool> range_selector_missing_{false};
};

// Wait until writes to the distributor or to a redistributor have taken effect. Return false if they do not
// within the poll limit.
bool distributor_settled(Mmio distributor)
{
    return poll_until(
        [=] { return DistributorControl::WritePending::of(distributor.read32(kDistributorControl)) == 0; });
}

bool redistributor_settled(Mmio redistributor)
{
    return poll_until([=] {
        return RedistributorControl::WritePending::of(redistributor.read32(kRedistributorControl)) == 0;
    });
}

Mmio private_interrupts(Mmio redistributor)
{
    return redistributor.from(kFrame);
}

InterruptControllerResult GicV3::init(const InterruptControllerDescription& gic,
                                      const InterruptControllerRegisters& registers)
{
    if (gic.distributor.size < kFrame)
        return std::unexpected{"the device tree's GICv3 distributor has less than 64 KiB of registers"};
    distributor_ = registers.distributor;
    if (!is_v3_or_v4(distributor_))
        return std::unexpected{"there is no GICv3 distributor where the device tree says"};
    if (registers.redistributors.empty())
        return std::unexpected{"the device tree gives no GICv3 redistributor region"};
    regions = registers.redistributors;
    stride_ = gic.redistributor_stride;
    found_last_.store({}, std::memory_order_relaxed);
    return init_distributor();
}

InterruptControllerResult GicV3::init_distributor()
{
    using Control = DistributorControl;
    constexpr auto kNotSettled = "the GICv3 distributor does not finish a write (GICD_CTLR.RWP)";

    // Disable the groups first: to turn affinity routing on while a group is enabled is UNPREDICTABLE. To
    // turn it off is UNPREDICTABLE too (IHI 0069H 12.9.4), so it stays on if the firmware turned it on.
    u64 control = distributor_.read32(kDistributorControl);
    control = Control::EnableGroup1::in(Control::EnableGroup0::in(control, 0), 0);
    distributor_.write32(kDistributorControl, static_cast<u32>(control));
    if (!distributor_settled(distributor_))
        return std::unexpected{kNotSettled};
    control = Control::AffinityRouting::in(control, 1);
    distributor_.write32(kDistributorControl, static_cast<u32>(control));
    gic::quiet_shared_interrupts(distributor_);
    const u64 type = distributor_.read32(kDistributorType);
    if (DistributorType::ExtendedShared::of(type) != 0)
        gic::quiet_interrupts(distributor_, kExtendedShared, 0,
                              static_cast<u32>(DistributorType::ExtendedSharedRange::of(type)) + 1);
    if (!distributor_settled(distributor_))
        return std::unexpected{kNotSettled};
    if (Control::AffinityRouting::of(distributor_.read32(kDistributorControl)) == 0)
        return std::unexpected{"the GICv3 distributor does not accept affinity routing (GICD_CTLR.ARE)"};
    distributor_.write32(kDistributorControl, static_cast<u32>(Control::EnableGroup1::in(control, 1)));
    if (!distributor_settled(distributor_))
        return std::unexpected{kNotSettled};
    return {};
}

// Returns the first frame of the redistributor with this affinity, or nothing. Looks at the frames from the
// one that was found last, which exists, to the last one, and then at all of them.
std::optional<Mmio> GicV3::find_redistributor(u64 affinity)
{
    const FramePlace start = found_last_.load(std::memory_order_relaxed);
    for (const FramePlace from : {start, FramePlace{}}) {
        for (u32 region = from.region; region < regions.size(); ++region) {
            const u32 offset = region == from.region ? from.offset_in_frames : 0;
            const auto found = find_redistributor_in(regions[region], kFrame * offset, affinity);
            if (!found)
                continue;
            const Mmio frame = regions[region].registers.from(*found);
            found_last_.store({region, static_cast<u32>(*found / kFrame)}, std::memory_order_relaxed);
            return frame;
        }
    }
    return {};
}

// Returns where in a region the first frame of the redistributor with this affinity lies, or nothing. A
// redistributor begins at `from`.
std::optional<Bytes> GicV3::find_redistributor_in(const RedistributorRegion& region, Bytes from,
                                                  u64 affinity) const
{
    for (Bytes at = from; at + kFrame * 2 <= region.size;) {
        const Mmio frame = region.registers.from(at);
        if (!is_v3_or_v4(frame))
            break;
        const u64 type = frame.read64(kRedistributorType);
        if (RedistributorType::Affinity::of(type) == packed_affinity(affinity))
            return at;
        if (RedistributorType::Last::of(type) != 0)
            break;
        const u64 frames = RedistributorType::VirtualLpis::of(type) != 0 ? 4 : 2;
        at = at + (stride_ != 0 ? Bytes{stride_} : kFrame * frames);
    }
    return {};
}

// Ends what whoever ran before has left of the private interrupts: SGIs, PPIs, the extended PPIs of GICv3.1,
// and LPIs.
InterruptControllerResult quiet_private_interrupts(Mmio redistributor)
{
    // Some redistributors do not let LPIs be disabled again (IHI 0069H 12.11.2).
    const u64 control = redistributor.read32(kRedistributorControl);
    redistributor.write32(kRedistributorControl,
                          static_cast<u32>(RedistributorControl::EnableLpis::in(control, 0)));
    const u64 type = redistributor.read64(kRedistributorType);
    const u32 words = static_cast<u32>(RedistributorType::ExtendedPrivateWords::of(type)) + 1;
    gic::quiet_interrupts(private_interrupts(redistributor), gic::kStates, 0, words);
    if (!redistributor_settled(redistributor))
        return std::unexpected{"this CPU's GICv3 redistributor does not finish a write (GICR_CTLR.RWP)"};
    return {};
}

InterruptControllerResult GicV3::init_cpu(CpuId self, u64 mpidr)
{
    const u64 affinity = Mpidr{mpidr}.affinity();
    const auto redistributor = find_redistributor(affinity);
    if (!redistributor)
        return std::unexpected{"no GICv3 redistributor for this CPU's affinity"};

    // In the non-secure view GICR_WAKER reads as zero and ignores writes; the firmware has woken the
    // redistributor.
    const u64 waker = redistributor->read32(kWaker);
    redistributor->write32(kWaker, static_cast<u32>(Waker::ProcessorSleep::in(waker, 0)));
    if (!poll_until([=] { return Waker::ChildrenAsleep::of(redistributor->read32(kWaker)) == 0; }))
        return std::unexpected{"this CPU's GICv3 redistributor does not wake up (GICR_WAKER)"};

    if (const auto quiet = quiet_private_interrupts(*redistributor); !quiet)
        return quiet;
    if (const auto ready = gic::set_up_private_interrupts(private_interrupts(*redistributor), ~u32{0});
        !ready)
        return ready;

    if (const auto initialized = init_cpu_interface(); !initialized)
        return initialized;
    if (const auto reachable = check_range_selector(affinity); !reachable)
        return reachable;

    Cpu& cpu = cpus[self.index()];
    cpu.redistributor = *redistributor;
    cpu.sgi = SendSgi1::to(affinity);
    return {};
}

// Clears one group's active priorities. The number of the registers depends on the number of priority bits;
// accesses to the others are UNDEFINED.
template <class Word0, class Word1, class Word2, class Word3>
void clear_active_priorities(u64 priority_bits)
{
    Word0{0}.write();
    if (priority_bits > 5)
        Word1{0}.write();
    if (priority_bits > 6) {
        Word2{0}.write();
        Word3{0}.write();
    }
}

// Returns whether this CPU may access the registers of Group 0. EL3 traps these accesses if SCR_EL3.FIQ is
// set. That bit also shifts the kernel's view of ICC_PMR_EL1 (IHI 0069H 4.8.1): the most urgent priority that
// is not 0 loses its only bit, and reads back as 0. Changes the priority mask.
bool owns_group_0(u64 priority_bits)
{
    PriorityMask{u64{1} << (8 - priority_bits)}.write();
    return PriorityMask::read().raw != 0;
}

InterruptControllerResult GicV3::init_cpu_interface()
{
    if (IdAa64Pfr0::read().get<IdAa64Pfr0::Gic>() == 0)
        return std::unexpected{"this CPU has no GICv3 System registers (ID_AA64PFR0_EL1.GIC)"};
    SystemRegisterEnable::read().with<SystemRegisterEnable::Enable>(1).write();
    isb(); // the enable takes effect before any other ICC register is accessed
    if (SystemRegisterEnable::read().get<SystemRegisterEnable::Enable>() == 0)
        return std::unexpected{"the firmware keeps the GICv3 System registers off (ICC_SRE_EL1.SRE)"};

    using Control = InterfaceControl;
    const auto control = Control::read().with<Control::CommonBinaryPoint>(0).with<Control::EoiMode>(0);
    control.write();
    // Priorities that whoever ran before has left active, in either group, would block interrupts of the
    // kernel's priority.
    const u64 priority_bits = control.get<Control::PriorityBits>() + 1;
    if (owns_group_0(priority_bits)) {
        GroupEnable0{0}.write();
        clear_active_priorities<Group0ActiveWord0, Group0ActiveWord1, Group0ActiveWord2, Group0ActiveWord3>(
            priority_bits);
    }
    clear_active_priorities<Group1ActiveWord0, Group1ActiveWord1, Group1ActiveWord2, Group1ActiveWord3>(
        priority_bits);
    PriorityMask{gic::kPriorityMask}.write();
    if (PriorityMask::read().raw <= gic::kPriority)
        return std::unexpected{gic::kMaskNotSet};
    BinaryPoint1{0}.write(); // selects the least value that the CPU supports
    isb();                   // the writes above take effect before the first interrupt
    GroupEnable1{}.with<GroupEnable1::Enable>(1).write();
    isb();
    return {};
}

InterruptControllerResult GicV3::check_range_selector(u64 affinity)
{
    const bool distributor_has_it =
        DistributorType::RangeSelector::of(distributor_.read32(kDistributorType)) != 0;
    if (!distributor_has_it || InterfaceControl::read().get<InterfaceControl::RangeSelector>() == 0)
        range_selector_missing_.store(true);
    if (needs_range_selector(affinity))
        range_selector_needed_.store(true);
    // The accesses are sequentially consistent. So if one CPU needs a range selector and another cannot send
    // it, at least one of the two sees both flags.
    if (range_selector_needed_.load() && range_selector_missing_.load())
        return std::unexpected{"this GICv3 cannot send SGIs to every CPU: Aff0 above 15 needs RSS"};
    return {};
}

// The thread stays on its CPU: whoever changes a private interrupt means that of one CPU.
Mmio own_redistributor()
{
    return cpus[this_cpu_id().index()].redistributor;
}

// With the group disabled the redistributor may sleep (GICR_WAKER, IHI 0069H 12.11). In the non-secure view
// the firmware puts it to sleep.
void GicV3::leave_cpu()
{
    GroupEnable1{}.write();
    isb();
}

void GicV3::enable_private(u32 intid)
{
    private_interrupts(own_redistributor()).write32(gic::kSetEnable, u32{1} << intid);
}

void GicV3::disable_private(u32 intid)
{
    const Mmio redistributor = own_redistributor();
    private_interrupts(redistributor).write32(gic::kClearEnable, u32{1} << intid);
    // The CPU can take the interrupt until the write has taken effect. init_cpu() has refused a redistributor
    // that never finishes a write.
    static_cast<void>(redistributor_settled(redistributor));
}

PrivateInterruptState GicV3::private_state(u32 intid)
{
    return gic::private_state(private_interrupts(own_redistributor()), intid);
}

Acknowledged GicV3::acknowledge()
{
    const auto intid = static_cast<u32>(Acknowledge1::read().get<Acknowledge1::Intid>());
    // The DSB completes the read before anything that the handler does, and the handler sees the sender's
    // stores.
    dsb<Shareability::FullSystem>();
    return {intid, intid};
}

void GicV3::complete(Acknowledged interrupt)
{
    EndOfInterrupt1{interrupt.raw}.write();
    isb(); // drops the priority before interrupts are unmasked
}

inline void GicV3::send_sgi(SendSgi1 sgi)
{
    // The target's handler must see the stores that this CPU made before it sends the interrupt.
    dsb<Shareability::InnerShareable, Access::Store>();
    sgi.write();
    isb(); // sends the interrupt now and not at some later context synchronization
}

void GicV3::send(CpuId target, Ipi ipi)
{
    send_sgi(cpus[target.index()].sgi.with<SendSgi1::Intid>(static_cast<u64>(ipi)));
}

void GicV3::wake_parked(u64 mpidr, u32)
{
    send_sgi(SendSgi1::to(mpidr));
}

constinit GicV3 driver;

} // namespace

InterruptControllerDriver& gic_v3_driver()
{
    return driver;
}

} // namespace percival::arch
