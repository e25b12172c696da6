// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/percpu/mode.hpp"

#include "arch/cpu/processor.hpp"
#include "kernel/boot_arguments/boot_argument_report.hpp"
#include "kernel/cpus/features.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/lib/assert.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/options/percpu_mode.hpp"
#include "kernel/percpu/add_form.hpp"
#include "kernel/percpu/probe.hpp"
#include "kernel/wait/stop_machine.hpp"

#include <array>
#include <optional>

namespace percival {
namespace {

using arch::PercpuMode;

constexpr std::array<std::string_view, 4> kModeNames{"local", "restart", "fixup", "guarded"};

std::optional<CpuId> cpu_that_may_share_its_tlb()
{
    std::optional<CpuId> found;
    for_each_online_cpu([&found](CpuId cpu) {
        if (!found && cpu_features(cpu).has(arch::CpuFeature::SharedTlb))
            found = cpu;
    });
    return found;
}

// Local mode needs TLB entries that no other CPU uses. It is not refused where they may be shared, because a
// boot argument may ask for it: nobody has seen such a machine go wrong.
void warn_of_shared_tlbs()
{
    const auto cpu = cpu_that_may_share_its_tlb();
    if (!cpu)
        return;
    std::array<char, kLineLength> room;
    Writer model{room};
    arch::describe_cpu(model, cpu_features(*cpu).midr);
    print("percpu: warning: cpu{} ({}) may share TLB entries with other CPUs, which local mode does not "
          "survive; percpu=auto avoids it",
          *cpu, model.text());
}

PercpuModeChoice choose_mode(const BootArguments& arguments)
{
    const auto asked = arguments.choice(BootArgumentTable::kPercpu);
    const std::string_view why = kPercpuInLine ? "built in" : asked.is_given ? "boot argument" : "default";
    switch (reported(asked)) {
    case PercpuChoice::Local:
        return {PercpuMode::Local, why};
    case PercpuChoice::Restart:
        return {PercpuMode::Restart, why};
    case PercpuChoice::Fixup:
        return {PercpuMode::Fixup, why};
    case PercpuChoice::Guarded:
        return {PercpuMode::Guarded, why};
    case PercpuChoice::Auto:
        break;
    }
    return choose_percpu_mode_by_looking();
}

void install(arch::PercpuForm form)
{
    if (form == arch::percpu_form())
        return;
    PERCIVAL_ASSERT(form.mode != PercpuMode::Local || !percpu::roots_are_common());
    stop_machine([form] { arch::patch_percpu_operations(form); });
}

} // namespace

PercpuModeChoice choose_percpu_mode_by_looking()
{
    if (kPercpuInLine)
        return {arch::kPercpuFormAsLinked.mode, "auto: built in"};
    if (!arch::kHasLocalMode)
        return {PercpuMode::Restart, "auto: local mode is not in this build"};
    if (percpu::roots_are_common())
        return {PercpuMode::Restart, "auto: all CPUs are on one root"};
    if (cpu_that_may_share_its_tlb())
        return {PercpuMode::Restart, "auto: by the list of CPUs whose TLBs may be shared"};
    if (!tlbs_are_private())
        return {PercpuMode::Restart, "auto: the probe found a TLB that is not private"};
    return {PercpuMode::Local, "auto: the probe found all TLBs private", true};
}

void prepare_percpu_mode(const BootArguments& arguments)
{
    if constexpr (kPercpuInLine)
        return; // the mode needs no private roots, and no site is in a veneer
    arch::keep_veneers();
    if (arguments.choice(BootArgumentTable::kPercpu).value == PercpuChoice::Local)
        return;
    const arch::InterruptMask masked;
    arch::patch_percpu_operations({.mode = PercpuMode::Restart, .lse = false});
}

void choose_percpu_mode(const BootArguments& arguments)
{
    const PercpuModeChoice choice = choose_mode(arguments);
    arch::PercpuForm form{.mode = choice.mode, .lse = system_features().has(arch::CpuFeature::Lse)};
    print("percpu: {} ({})", name_of(choice.mode), choice.why);
    if (choice.only_for_these_cpus)
        keep_out_new_cpus();
    if (choice.mode == PercpuMode::Local)
        warn_of_shared_tlbs();
    if (form.lse) {
        const AddChoice add = choose_add_form(arguments);
        form.add = add.form;
        print("percpu: adds without result by {} ({})", name_of(add.form), add.why);
    }
    install(form);
}

InPercpuForm::InPercpuForm(arch::PercpuForm form) : before_{arch::percpu_form()}
{
    install(form);
}

InPercpuForm::InPercpuForm(PercpuMode mode) : before_{arch::percpu_form()}
{
    arch::PercpuForm form = before_;
    form.mode = mode;
    install(form);
}

InPercpuForm::~InPercpuForm()
{
    install(before_);
}

std::string_view name_of(PercpuMode mode)
{
    return kModeNames[static_cast<std::size_t>(mode)];
}

} // namespace percival
