// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/device_tree/boot_argument_report.hpp"

#include "kernel/lib/print.hpp"

#include <array>

namespace percival {

void report(const BootArgumentError& error)
{
    std::array<char, kLineLength> room;
    Writer text{room};
    error.describe(text);
    print("boot argument {}", text.text());
}

void report_unknown(const BootArguments& arguments)
{
    arguments.for_each_unknown(
        [](std::string_view key) { print("boot argument {}: there is no such argument", key); });
}

void print_boot_arguments()
{
    BootArgumentTable::for_each([](const BootArgument& argument) {
        std::array<char, kLineLength> room;
        Writer usage{room};
        describe_usage(argument, usage);
        const std::string_view otherwise = default_of(argument);
        print("argument: {:-34} {:-8} {}", usage.text(), otherwise.empty() ? "-" : otherwise,
              argument.meaning.text());
    });
}

} // namespace percival
