// SPDX-License-Identifier: BSD-2-Clause
// The console: whole lines to one output device, from any CPU.
//
// INV-console-1: each line is written under one lock, which is taken with interrupts masked. So lines never
//     interleave, and an interrupt handler that prints cannot deadlock with the code that it interrupted.
// INV-console-2: lines written before a device is attached are kept: the oldest ones, up to a fixed size.
//     They come out first when a device is attached.
// INV-console-3: after console_enter_panic() the panicking CPU waits only a bounded time for the lock, and
//     the output of every other CPU is dropped. So a panic report is always complete.
// INV-console-4: a character that is not printable ASCII is shown as `\xNN`. So a line that quotes text from
//     the device tree or the boot arguments stays one line, and forges no other.
#pragma once

#include "kernel/lib/types.hpp"

#include <string_view>

namespace percival {

// An output device. put() may wait for the device. It is called with the console lock held and interrupts
// masked.
class ConsoleDevice {
public:
    virtual void put(char c) = 0;
    // Returns when everything that was put has left the device, so that a power-off does not cut off the last
    // line.
    virtual void drain() = 0;
    // Returns how many characters were dropped because the device did not get ready for them. Any CPU may ask
    // at any time, without the console lock.
    virtual u64 lost() const = 0;

protected:
    ~ConsoleDevice() = default;
};

// Writes `line`, which does not contain its line end, as one line (INV-console-4).
void console_write_line(std::string_view line);

// Returns how many lines have been written so far, by any CPU.
u64 console_line_count();

// Makes `device` the console's output device. Boot CPU, once.
void console_attach(ConsoleDevice& device);

// Makes the calling CPU the only one that may write. This cannot be undone.
void console_enter_panic();

// Waits until the device has sent everything.
void console_drain();

// Returns how many characters the device has lost (ConsoleDevice::lost()); 0 without a device.
u64 console_lost();

} // namespace percival
