// SPDX-License-Identifier: BSD-2-Clause
// Fuzzes boot arguments made of arbitrary bytes: every view stays inside the text, and an argument that is
// malformed keeps its default.
#include "kernel/boot_arguments/boot_arguments.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

using namespace percival;

namespace {

void require(bool holds)
{
    if (!holds)
        std::abort();
}

// Whatever it is about, it fits a line or is cut.
void check(const std::optional<BootArgumentError>& problem)
{
    if (!problem)
        return;
    std::array<char, 160> room;
    Writer out{room};
    problem->describe(out);
    require(out.text().starts_with(problem->argument.name.text()));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size)
{
    // An exact copy, so that a read past its end is detected.
    const auto copy = std::make_unique<char[]>(size);
    std::copy_n(data, size, copy.get());
    const std::string_view text{copy.get(), size};
    const auto is_inside = [text](std::string_view part) {
        return part.empty() ||
               (part.data() >= text.data() && part.data() + part.size() <= text.data() + text.size());
    };

    std::size_t count = 0;
    for (const GivenArgument& argument : GivenArguments{text}) {
        require(++count <= size);
        require(is_inside(argument.key) && is_inside(argument.value.value_or("")));
        require(!argument.value || !argument.key.empty());
        require(argument.key.starts_with(argument.family()));
    }

    using Table = BootArgumentTable;
    const BootArguments arguments{text};
    require(!arguments.is_given(Table::kBench) || is_inside(arguments.text(Table::kBench)));
    static_cast<void>(arguments.flag(Table::kPtdump));
    const auto number = arguments.number(Table::kSelftestTimeout);
    require(number.is_given || number.value == 30);
    check(number.problem);
    const auto choice = arguments.choice(Table::kPercpu);
    require(choice.value <= PercpuChoice::Auto && (choice.is_given || choice.value == PercpuChoice::Local));
    check(choice.problem);
    arguments.for_each_unknown(
        [&](const UnknownBootArgument& unknown) { require(is_inside(unknown.key) && count-- != 0); });
    arguments.for_each_foreign([&](std::string_view key) { require(is_inside(key) && count-- != 0); });
    return 0;
}
