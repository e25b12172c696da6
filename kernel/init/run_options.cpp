// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/init/run_options.hpp"

#include "kernel/boot_arguments/boot_argument_report.hpp"
#include "kernel/lib/print.hpp"
#include "mm/image/uefi_handoff.hpp"

#include <algorithm>

namespace percival {
namespace {

using Table = BootArgumentTable;

u32 number(const BootArguments& arguments, const NumberArgument& argument)
{
    return static_cast<u32>(std::min<u64>(reported(arguments.number(argument)), ~u32{0}));
}

// The UEFI stub reads the argument but cannot report on it; without UEFI nobody reads it.
void report_acpi(const BootArguments& arguments)
{
    const auto acpi = arguments.choice(Table::kAcpi);
    static_cast<void>(reported(acpi));
    if (acpi.is_given && !boot::uefi_handoff.is_given)
        print("boot argument acpi: without UEFI there are no ACPI tables, it is not used");
}

} // namespace

RunOptions read_run_options(const BootArguments& arguments)
{
    report_unknown(arguments);
    report_acpi(arguments);
    RunOptions options;
    options.selftest.globs = arguments.text(Table::kSelftest);
    options.selftest.list = arguments.flag(Table::kSelftestList);
    options.selftest.timeout_seconds = number(arguments, Table::kSelftestTimeout);
    options.selftest.repeat = number(arguments, Table::kSelftestRepeat);
    options.selftest.in_every_mode = arguments.flag(Table::kSelftestEveryMode);
    options.dump_page_tables = arguments.flag(Table::kPtdump);
    options.list_areas = arguments.flag(Table::kVmallocinfo);
    options.list_machine = arguments.flag(Table::kMachineinfo);
    options.list_percpu = arguments.flag(Table::kPercpuinfo);
    options.list_arguments = arguments.flag(Table::kArgumentsList);
    if (arguments.is_given(Table::kBench)) {
        const std::string_view globs = arguments.text(Table::kBench);
        options.benchmarks = globs.empty() ? std::string_view{"*"} : globs;
    }
    if (arguments.is_given(Table::kProbe)) {
        const std::string_view globs = arguments.text(Table::kProbe);
        options.probes = {.globs = globs.empty() ? std::string_view{"*"} : globs,
                          .tries = reported(arguments.number(Table::kProbeTries)),
                          .fault = reported(arguments.choice(Table::kProbeFault))};
    }
    return options;
}

} // namespace percival
