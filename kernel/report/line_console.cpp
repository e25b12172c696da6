// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/report/line_console.hpp"

#include "arch/cpu/cpu_identity.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/devices/timer.hpp"
#include "kernel/lib/format.hpp"
#include "kernel/lib/printable.hpp"

namespace percival {

u64 LineConsole::this_cpu()
{
    return arch::affinity() | u64{1} << 63; // affinities do not use this bit
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
    // Checked under the lock, because another CPU may have panicked while this one waited for the lock.
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
    // A second CPU that panics stays silent. A second panic of the same CPU changes nothing.
    panicking_.compare_exchange_strong(nobody, this_cpu(), std::memory_order_acq_rel);
}

void LineConsole::drain()
{
    if (ConsoleDevice* device = device_.load(std::memory_order_acquire))
        device->drain();
}

u64 LineConsole::lost() const
{
    const ConsoleDevice* device = device_.load(std::memory_order_acquire);
    return device != nullptr ? device->lost() : 0;
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
        // The panicking CPU has stopped waiting for this one and writes already.
        if (lock_broken_.load(std::memory_order_relaxed) &&
            panicking_.load(std::memory_order_relaxed) != self)
            return;
        const Printable shown{c}; // INV-console-4
        for (char part : shown.text())
            device->put(part);
    }
    device->put('\n');
    holder_.store(kNobody, std::memory_order_relaxed);
}

// Waits for at most a quarter of a second, which is many times what the longest line takes at 115200 baud.
// Before the clock is set up there is only one CPU, so no other CPU can hold the lock.
bool LineConsole::take_lock_in_panic()
{
    if (lock_broken_.load(std::memory_order_relaxed))
        return false;
    const u64 patience = arch::timer_frequency() / 4;
    const u64 start = patience != 0 ? arch::timer_ticks() : 0;
    do {
        if (lock_.try_lock())
            return true;
        // This CPU panicked while it emitted a line, so the lock will not be given back.
        if (holder_.load(std::memory_order_relaxed) == this_cpu())
            return false;
        arch::relax();
    } while (patience != 0 && arch::timer_ticks() - start < patience);
    return false;
}

// Clang's analysis cannot know that the panicking CPU is the only writer from here on, with or without the
// lock. Once the lock is broken, its holder stops at the next character, and a CPU that gets the lock later
// writes nothing.
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
        device->put('\n'); // ends the holder's line, which was cut
    emit(line, self);
}

} // namespace percival
