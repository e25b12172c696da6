// SPDX-License-Identifier: BSD-2-Clause
// The options of a run, as the boot arguments set them.
#pragma once

#include "kernel/boot_arguments/boot_arguments.hpp"
#include "kernel/probes/probes.hpp"
#include "kernel/selftest/runner.hpp"

#include <optional>
#include <string_view>

namespace percival {

struct RunOptions {
    SelftestOptions selftest{};
    std::optional<std::string_view> benchmarks{}; // globs
    std::optional<ProbeOptions> probes{};         // neither: run the self-tests
    bool dump_page_tables{false};
    bool list_areas{false};
    bool list_percpu{false};
    bool list_machine{false};
    bool list_arguments{false}; // and nothing else
};

// Reads the options. A bad value is reported on the console and replaced by the default. An unknown argument
// with the name of one of ours is reported too.
RunOptions read_run_options(const BootArguments& arguments);

} // namespace percival
