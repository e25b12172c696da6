// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/boot_arguments/boot_argument_report.hpp"

#include "kernel/lib/print.hpp"

#include <array>

namespace percival {

void report(const BootArgumentError& error)
{
    print("boot argument {}", error);
}

void report_unknown(const BootArguments& arguments)
{
    constexpr u32 kMaxReported = 8;
    u32 unknown = 0;
    arguments.for_each_unknown([&unknown](const UnknownBootArgument& argument) {
        if (++unknown > kMaxReported)
            return;
        if (argument.meant != nullptr)
            print("boot argument {}: there is no such argument; is {} meant?", argument.key,
                  argument.meant->name.text());
        else
            print("boot argument {}: there is no such argument", argument.key);
    });
    if (unknown > kMaxReported)
        print("boot arguments: there are no such arguments as {} more", unknown - kMaxReported);

    u32 foreign = 0;
    std::string_view first;
    arguments.for_each_foreign([&](std::string_view key) {
        if (foreign++ == 0)
            first = key;
    });
    if (foreign != 0)
        print("boot arguments: {} not for this kernel, the first is {}", foreign, first);
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
