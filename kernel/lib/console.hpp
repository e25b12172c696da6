// SPDX-License-Identifier: BSD-2-Clause
// The console: whole lines to one output device, from any CPU.
//
// INV-console-1: a line is emitted under one lock, taken with interrupts masked, so lines never interleave
//                and an interrupt handler that prints cannot deadlock with the code it interrupted.
// INV-console-2: lines written before a device is attached are kept (the oldest ones, up to a fixed size) and
//                come out first when it is.
// INV-console-3: once console_enter_panic() was called, the panicking CPU writes without waiting for the lock
//                for ever and every other CPU's output is dropped, so that a panic always gets through whole.
#pragma once

#include "kernel/lib/types.hpp"

#include <string_view>

namespace percival {

// An output device. put() may wait for the device; it is called with the console lock held and interrupts
// masked.
class ConsoleDevice {
public:
    virtual void put(char c) = 0;
    // Returns when all that was put has left the device, so that a power-off does not cut the last line.
    virtual void drain() = 0;

protected:
    ~ConsoleDevice() = default;
};

// `line` without its line end.
void console_write_line(std::string_view line);

// From now on lines go to `device`. Boot CPU, once.
void console_attach(ConsoleDevice& device);

// Makes the calling CPU the only one that may write. Never returns the console.
void console_enter_panic();

// Waits until the device has sent everything.
void console_drain();

} // namespace percival
