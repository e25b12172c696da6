// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/report/verdict.hpp"

#include "arch/cpu/cpu_identity.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/devices/power.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/report/hardware_watchdogs.hpp"
#include "kernel/report/watchdog.hpp"

#include <atomic>

namespace percival {
namespace {

constexpr u64 kNobody = 0;

// Semihosting until the boot arguments are known: before, nothing else ends the run.
constinit std::atomic<VerdictChoice> way_to_end{VerdictChoice::Semihosting};
// The CPU that ends the run, by its affinity. Its number would need percpu state, which a broken CPU might
// lack.
constinit std::atomic<u64> ending{kNobody};
// How often end_run() was entered on the CPU that ends the run: a step of it that panics enters it again.
constinit std::atomic<u32> attempts{0};

std::string_view name_of(Verdict verdict)
{
    switch (verdict) {
    case Verdict::Passed:
        return "passed";
    case Verdict::Failed:
        return "failed";
    case Verdict::Panic:
        return "panic";
    case Verdict::Hang:
        return "hang";
    }
    return "panic";
}

// Leaves the kernel in the way that is wanted. Returns if the machine cannot do that.
void leave(Verdict verdict)
{
    switch (way_to_end.load(std::memory_order_relaxed)) {
    case VerdictChoice::Semihosting:
        arch::semihosting_exit(static_cast<u32>(verdict));
    case VerdictChoice::PowerOff:
        arch::power_off();
        print("percival: this machine cannot be turned off; stopped");
        break;
    case VerdictChoice::Reset:
        arch::reset_by_firmware();
        hardware_watchdogs().reset();
        print("percival: this machine cannot be reset; stopped");
        break;
    }
    console_drain();
}

} // namespace

void set_way_to_end(VerdictChoice way)
{
    way_to_end.store(way, std::memory_order_relaxed);
}

bool run_is_ending()
{
    return ending.load(std::memory_order_relaxed) != kNobody;
}

bool claim_end_of_run()
{
    const u64 self = arch::affinity() | u64{1} << 63; // never kNobody
    u64 owner = kNobody;
    return ending.compare_exchange_strong(owner, self, std::memory_order_acq_rel) || owner == self;
}

void end_run(Verdict verdict)
{
    arch::mask_interrupts();
    if (!claim_end_of_run())
        arch::stop();
    // Each attempt skips the steps up to and including the one that may have panicked before.
    const u32 attempt = attempts.fetch_add(1, std::memory_order_relaxed);
    console_enter_panic(); // no other CPU prints after the verdict (INV-verdict-1)
    if (attempt == 0)
        stop_other_cpus();
    if (attempt <= 1) {
        report_unfinished_test(verdict == Verdict::Hang ? KtapAbort::Timeout : KtapAbort::Error);
        print("percival: verdict: {}", name_of(verdict));
        console_drain();
    }
    if (attempt <= 2)
        leave(verdict);
    arch::stop();
}

} // namespace percival
