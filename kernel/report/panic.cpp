// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/lib/panic.hpp"

#include "arch/backtrace/backtrace.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/exceptions/exception_syndrome.hpp"
#include "kernel/lib/assert.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/lib/symbols.hpp"
#include "kernel/lib/text.hpp"
#include "kernel/report/fault_address.hpp"
#include "kernel/report/verdict.hpp"
#include "kernel/report/watchdog.hpp"
#include "mm/percpu/area.hpp"

#include <atomic>

namespace percival {
namespace {

using panic_detail::Arguments;

// How often the CPU that ends the run has panicked. Only that CPU counts here.
constinit std::atomic<u32> panics{0};

std::string_view base_name(std::string_view path)
{
    return slice(path, path.rfind('/') + 1); // npos + 1 is 0
}

// Prints the first lines of a panic report. Returns only on the CPU that ends the run, and only for its first
// panic: other CPUs stop here, and a second panic ends the run. `where` is an address in the code that
// panicked.
void begin_report(VirtAddr where, AddressKind kind, std::string_view text, Arguments arguments)
{
    arch::mask_interrupts();
    if (!claim_end_of_run())
        arch::stop();
    console_enter_panic();
    const u32 earlier = panics.fetch_add(1, std::memory_order_relaxed);
    if (earlier > 1)
        end_run(Verdict::Panic);
    // The first line needs nothing but the console, so it gets out even if anything below panics.
    std::array<char, kLineLength> room;
    Writer line{room};
    line.put(earlier == 0 ? "panic: " : "panic: again, while the panic was reported: ");
    format_arguments(line, text, arguments);
    if (earlier == 1) {
        line.put(", at ");
        put_address(line, where, kind);
    }
    console_write_line(line.text());
    if (earlier == 1)
        end_run(Verdict::Panic);
    print("  on cpu {}", this_cpu_id());
    if (const TestName* test = current_test())
        print("  during self-test {}.{}", test->suite, test->name);
}

} // namespace

void panic_detail::panic(std::source_location where, std::string_view text, Arguments arguments)
{
    begin_report(address_of(__builtin_return_address(0)), AddressKind::Return, text, arguments);
    print("  at {}:{}", base_name(where.file_name()), where.line());
    arch::print_backtrace();
    end_run(Verdict::Panic);
}

void panic_detail::panic_at(const arch::Registers& registers, std::string_view text, Arguments arguments)
{
    begin_report(VirtAddr{registers.pc}, AddressKind::Exact, text, arguments);
    std::array<char, kLineLength> room;
    Writer words{room};
    arch::describe_exception(words, registers.esr);
    print("  {}", words.text());
    if (arch::far_is_valid(registers.esr)) {
        print("  esr {:010x}  far {}", registers.esr, VirtAddr{registers.far});
        explain_fault_address(VirtAddr{registers.far});
    } else {
        print("  esr {:010x}", registers.esr);
    }
    arch::print_registers(registers);
    arch::print_backtrace(registers);
    end_run(Verdict::Panic);
}

void assertion_failed(const char* expression, std::source_location where)
{
    const format_detail::Argument argument = format_detail::argument(expression);
    panic_detail::panic(where, "assertion failed: {}", {&argument, 1});
}

} // namespace percival
