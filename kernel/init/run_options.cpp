// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/init/run_options.hpp"

#include "kernel/lib/print.hpp"

#include <algorithm>

namespace percival {
namespace {

u32 number_or(const BootArguments& arguments, std::string_view key, u32 otherwise)
{
    const auto number = arguments.number(key);
    if (!number) {
        std::array<char, kLineLength> room;
        Writer text{room};
        number.error().describe(text);
        print("boot argument {}, using {}", text.text(), otherwise);
        return otherwise;
    }
    return static_cast<u32>(std::min<u64>(number->value_or(otherwise), ~u32{0}));
}

bool is_known(std::string_view key)
{
    return key == "selftest" || key == "selftest.list" || key == "selftest.timeout" ||
           key == "selftest.repeat" || key == "selftest.every_mode" || key == "bench" || key == "verdict" ||
           key == "ptdump" || key == "vmallocinfo" || key == "percpuinfo" || key == "percpu" ||
           key == "percpu.add" || key == "percpu.window";
}

void report_unknown(const BootArguments& arguments)
{
    for (const BootArgument& argument : arguments) {
        const bool ours = argument.is_of("selftest") || argument.is_of("bench") ||
                          argument.is_of("verdict") || argument.is_of("ptdump") ||
                          argument.is_of("vmallocinfo") || argument.is_of("percpuinfo") ||
                          argument.is_of("percpu");
        if (ours && !is_known(argument.key))
            print("boot argument {}: there is no such argument", argument.key);
    }
}

} // namespace

RunOptions read_run_options(const BootArguments& arguments)
{
    report_unknown(arguments);
    RunOptions options;
    options.selftest.globs = arguments.value("selftest").value_or(options.selftest.globs);
    options.selftest.list = arguments.flag("selftest.list");
    options.selftest.timeout_seconds =
        number_or(arguments, "selftest.timeout", options.selftest.timeout_seconds);
    options.selftest.repeat = number_or(arguments, "selftest.repeat", options.selftest.repeat);
    options.selftest.in_every_mode = arguments.flag("selftest.every_mode");
    options.dump_page_tables = arguments.flag("ptdump");
    options.list_areas = arguments.flag("vmallocinfo");
    options.list_percpu = arguments.flag("percpuinfo");
    if (const auto globs = arguments.value("bench"))
        options.benchmarks = globs->empty() ? std::string_view{"*"} : *globs;
    return options;
}

} // namespace percival
