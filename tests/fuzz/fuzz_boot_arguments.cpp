// SPDX-License-Identifier: BSD-2-Clause
// Fuzzes boot arguments made of arbitrary bytes: every view stays inside the text, and look-ups agree with
// iteration.
#include "kernel/device_tree/boot_arguments.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>

using namespace percival;

namespace {

void require(bool holds)
{
    if (!holds)
        std::abort();
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

    const BootArguments arguments{text};
    std::size_t count = 0;
    for (const BootArgument& argument : arguments) {
        require(++count <= size);
        require(is_inside(argument.key) && is_inside(argument.value.value_or("")));
        require(!argument.value || !argument.key.empty());
        const auto value = arguments.value(argument.key);
        require(value.has_value());
        require(is_inside(*value));
        static_cast<void>(arguments.flag(argument.key));
        const auto number = arguments.number(argument.key);
        require(!number || number->has_value());
        if (count == 8) // look-ups are linear: this keeps one run linear too
            break;
    }
    return 0;
}
