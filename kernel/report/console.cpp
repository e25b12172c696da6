// SPDX-License-Identifier: BSD-2-Clause
// The console of the kernel: one LineConsole behind the functions of kernel/lib/console.hpp.
#include "kernel/lib/console.hpp"

#include "kernel/report/line_console.hpp"

#include <atomic>

namespace percival {
namespace {

constinit LineConsole console;
constinit std::atomic<u64> lines{0};

} // namespace

void console_write_line(std::string_view line)
{
    console.write_line(line);
    lines.fetch_add(1, std::memory_order_relaxed);
}

u64 console_line_count()
{
    return lines.load(std::memory_order_relaxed);
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
