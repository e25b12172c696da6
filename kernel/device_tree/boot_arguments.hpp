// SPDX-License-Identifier: BSD-2-Clause
// What the boot arguments of /chosen say, asked by entries of the table. Any context, on the host too, and with
// the MMU off.
//
//      const auto seconds = arguments.number(BootArgumentTable::kSelftestTimeout);
//      seconds.value      // what was given, or the default
//      seconds.problem    // why what was given is not used, if so
//
// Of an argument given twice the last one counts. One reader of each argument reports its problem
// (kernel/device_tree/boot_argument_report.hpp).
#pragma once

#include "kernel/device_tree/boot_argument_table.hpp"
#include "kernel/device_tree/given_arguments.hpp"
#include "kernel/lib/format.hpp"
#include "kernel/lib/types.hpp"

#include <optional>
#include <string_view>
#include <type_traits>

namespace percival {

// A value that an argument cannot have: `selftest.timeout=soon: is not a number, using 30`.
struct BootArgumentError {
    enum class Problem : u8 { NotANumber, Beyond64Bits, NoSuchChoice };

    const BootArgument& argument;
    std::string_view value;
    Problem problem;

    void describe(Writer& out) const;
};

template <class T>
struct BootArgumentValue {
    T value{};
    bool is_given{false}; // else, and where there is a problem, it is the default
    std::optional<BootArgumentError> problem{};
};

class BootArguments {
public:
    // `text` outlives this and every view taken from it.
    constexpr explicit BootArguments(std::string_view text) : given_{text} {}

    bool is_given(const TextArgument& argument) const { return last(argument).has_value(); }
    // Whether the argument is there, unless its value says 0, n, no, off or false.
    bool flag(const FlagArgument& argument) const;
    // Empty where it is given without a value.
    std::string_view text(const TextArgument& argument) const;
    BootArgumentValue<u64> number(const NumberArgument& argument) const;
    template <class Choice>
        requires std::is_enum_v<Choice>
    BootArgumentValue<Choice> choice(const BootArgumentOf<Choice>& argument) const
    {
        const BootArgumentValue<u8> chosen = choice_by_number(argument);
        return {static_cast<Choice>(chosen.value), chosen.is_given, chosen.problem};
    }

    // Calls visit(std::string_view key) for each argument that is not in the table although others of its family
    // are. What belongs to no family of the table may be meant for a boot loader or another kernel.
    template <class Visit>
    void for_each_unknown(Visit visit) const
    {
        for (const GivenArgument& argument : given_) {
            if (is_unknown(argument))
                visit(argument.key);
        }
    }

private:
    std::optional<std::string_view> last(const BootArgument& argument) const;
    BootArgumentValue<u8> choice_by_number(const BootArgument& argument) const;
    static bool is_unknown(const GivenArgument& argument);

    GivenArguments given_;
};

// The argument with its values, `selftest.timeout=S`, and its default; both without what this build lacks.
void describe_usage(const BootArgument& argument, Writer& out);
std::string_view default_of(const BootArgument& argument);

} // namespace percival
