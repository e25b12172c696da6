// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/report/line_console.hpp"

#include "arch/cpu/cpu_identity.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/devices/timer.hpp"
#include "kernel/lib/format.hpp"

namespace percival {

u64 LineConsole::this_cpu()
{
    return arch::affinity() | u64{1} << 63; // no affinity has this bit
}

void LineConsole::write_line(std::string_view line)
{
    const arch::InterruptMask masked; // INV-console-1
    const u64 self = this_cpu();
    if (panicking_.load(std::memory_order_acquire) == self) {
        write_in_panic(line);
        return;
    }
    const PinnedSpinGuard guard{lock_, Pin{masked}};
    // Asked under the lock, so that a CPU that waited for it while another one panicked does not write after
    // all.
    if (panicking_.load(std::memory_order_acquire) != kNobody)
        return;
    emit(line, self);
}

void LineConsole::attach(ConsoleDevice& device)
{
    const IrqSpinGuard guard{lock_};
    device_.store(&device, std::memory_order_release);
    for (char c : early_.text())
        device.put(c);
    if (early_.dropped() != 0) {
        std::array<char, 80> buffer;
        Writer line{buffer};
        format(line, "console: {} lines before this one did not fit the early log", early_.dropped());
        emit(line.text(), this_cpu());
    }
}

void LineConsole::enter_panic()
{
    u64 nobody = kNobody;
    // A second CPU that panics stays silent, a second panic of the same CPU changes nothing.
    panicking_.compare_exchange_strong(nobody, this_cpu(), std::memory_order_acq_rel);
}

void LineConsole::drain()
{
    if (ConsoleDevice* device = device_.load(std::memory_order_acquire))
        device->drain();
}

void LineConsole::emit(std::string_view line, u64 self)
{
    ConsoleDevice* device = device_.load(std::memory_order_relaxed);
    if (device == nullptr) {
        early_.keep(line);
        return;
    }
    holder_.store(self, std::memory_order_relaxed);
    for (char c : line) {
        // The panicking CPU waited too long for this one and writes already.
        if (lock_broken_.load(std::memory_order_relaxed) &&
            panicking_.load(std::memory_order_relaxed) != self)
            return;
        device->put(c);
    }
    device->put('\n');
    holder_.store(kNobody, std::memory_order_relaxed);
}

// Waits for a quarter of a second, many times what the longest line takes at 115200 baud. Without a clock
// there is only one CPU: nobody else can be holding the lock.
bool LineConsole::take_lock_in_panic()
{
    if (lock_broken_.load(std::memory_order_relaxed))
        return false;
    const u64 patience = arch::timer_frequency() / 4;
    const u64 start = patience != 0 ? arch::timer_ticks() : 0;
    do {
        if (lock_.try_lock())
            return true;
        // It is this CPU that panicked while it emitted a line: it will not let go.
        if (holder_.load(std::memory_order_relaxed) == this_cpu())
            return false;
        arch::relax();
    } while (patience != 0 && arch::timer_ticks() - start < patience);
    return false;
}

// The analysis cannot know that from here on the panicking CPU is the only writer, lock or no lock: once the
// lock is broken, whoever holds it stops at the next character, and whoever gets it later writes nothing.
void LineConsole::write_in_panic(std::string_view line) PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    const u64 self = this_cpu();
    if (take_lock_in_panic()) {
        emit(line, self);
        lock_.unlock();
        return;
    }
    ConsoleDevice* device = device_.load(std::memory_order_acquire);
    if (!lock_broken_.exchange(true, std::memory_order_relaxed) && device != nullptr)
        device->put('\n'); // the holder's line was cut
    emit(line, self);
}

} // namespace percival
