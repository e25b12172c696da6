// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/percpu/window_choice.hpp"

#include "kernel/boot_arguments/boot_argument_report.hpp"
#include "kernel/lib/print.hpp"

namespace percival {
namespace {

bool roots_shall_be_common(const BootArguments& arguments)
{
    if (reported(arguments.choice(BootArgumentTable::kRoots)) == RootsChoice::Private)
        return false;
    // choose_percpu_mode() reports what is wrong with this argument.
    if (arguments.choice(BootArgumentTable::kPercpu).value != PercpuChoice::Local)
        return true;
    print("boot argument roots=common: cannot go with percpu=local, using private");
    return false;
}

} // namespace

percpu::Window choose_percpu_window(const BootArguments& arguments)
{
    const auto wanted = arguments.choice(BootArgumentTable::kPercpuWindow);
    const PercpuWindowChoice window = reported(wanted);
    if (roots_shall_be_common(arguments)) {
        if (wanted.is_given)
            print("boot argument percpu.window: there are no windows with roots=common");
        return percpu::Window::None;
    }
    return window == PercpuWindowChoice::Mapped ? percpu::Window::Mapped : percpu::Window::Linked;
}

} // namespace percival
