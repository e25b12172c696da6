// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/hotplug/later_cpus.hpp"

#include "kernel/cpus/cpu_argument.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/lib/text.hpp"

namespace percival {

CpuSet later_cpus(const BootArguments& arguments, u32 cpus)
{
    if (!arguments.is_given(BootArgumentTable::kCpusLater))
        return {};
    const std::string_view value = arguments.text(BootArgumentTable::kCpusLater);
    CpuSet named;
    for (const std::string_view name : ListItems{value}) {
        const auto cpu = cpu_named(name, cpus);
        if (!cpu || *cpu == kBootCpu) {
            print("boot argument cpus.later={}: there is no \"{}\" that may come later; it is ignored", value,
                  name);
            return {};
        }
        named.add(*cpu);
    }
    return named;
}

} // namespace percival
