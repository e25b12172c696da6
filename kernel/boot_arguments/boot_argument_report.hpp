// SPDX-License-Identifier: BSD-2-Clause
// Prints errors and listings of boot arguments to the console. Any context in which kernel/lib/print.hpp
// prints.
#pragma once

#include "kernel/boot_arguments/boot_arguments.hpp"

namespace percival {

// Prints an error, such as `boot argument percpu=fast: is none of local, restart, fixup, guarded and auto`.
void report(const BootArgumentError& error);

// Returns the value of `read`, and reports its problem if it has one.
template <class T>
T reported(const BootArgumentValue<T>& read)
{
    if (read.problem)
        report(*read.problem);
    return read.value;
}

// Prints which arguments are unknown (BootArguments::for_each_unknown()), with the argument that is meant if
// that can be told, and how many are foreign. However many there are, the number of lines is bounded.
void report_unknown(const BootArguments& arguments);

// Prints the table of boot arguments, with the values and defaults of this build.
void print_boot_arguments();

} // namespace percival
