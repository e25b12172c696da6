// SPDX-License-Identifier: BSD-2-Clause
// What the console is told of the boot arguments. Any context in which kernel/lib/print.hpp prints.
#pragma once

#include "kernel/device_tree/boot_arguments.hpp"

namespace percival {

// Prints `boot argument percpu=fast: is none of restart, guarded and auto, using restart`.
void report(const BootArgumentError& error);

// The value. Reports its problem, if it has one.
template <class T>
T reported(const BootArgumentValue<T>& read)
{
    if (read.problem)
        report(*read.problem);
    return read.value;
}

// Prints a line for each argument that nothing will ever read.
void report_unknown(const BootArguments& arguments);

// Prints the table, with the values and defaults of this build.
void print_boot_arguments();

} // namespace percival
