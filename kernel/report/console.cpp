// SPDX-License-Identifier: BSD-2-Clause
// The console of the kernel: one LineConsole behind the functions of kernel/lib/console.hpp.
#include "kernel/lib/console.hpp"

#include "kernel/report/line_console.hpp"

namespace percival {
namespace {

constinit LineConsole console;

} // namespace

void console_write_line(std::string_view line)
{
    console.write_line(line);
}

void console_attach(ConsoleDevice& device)
{
    console.attach(device);
}

void console_enter_panic()
{
    console.enter_panic();
}

void console_drain()
{
    console.drain();
}

u64 console_lost()
{
    return console.lost();
}

} // namespace percival
