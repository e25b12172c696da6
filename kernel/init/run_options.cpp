// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/init/run_options.hpp"

#include "kernel/boot_arguments/boot_argument_report.hpp"

#include <algorithm>

namespace percival {
namespace {

using Table = BootArgumentTable;

u32 number(const BootArguments& arguments, const NumberArgument& argument)
{
    return static_cast<u32>(std::min<u64>(reported(arguments.number(argument)), ~u32{0}));
}

} // namespace

RunOptions read_run_options(const BootArguments& arguments)
{
    report_unknown(arguments);
    static_cast<void>(reported(arguments.choice(Table::kAcpi))); // who has read it could not say so
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
